"""WAP push: the Push Access Protocol (WAP-247) between a push initiator and its gateway, and what it carries."""
