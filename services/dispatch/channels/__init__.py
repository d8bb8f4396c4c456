"""The ways out of the house: one adapter per kind of gateway, behind `services.dispatch.ports.MessageChannel`."""
