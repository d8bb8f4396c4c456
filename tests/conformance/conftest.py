"""The store that channels are judged by is dispatch's own."""

from tests.integration.dispatch.conftest import admin_url, rig

__all__ = ["admin_url", "rig"]
