"""The class: a room as a pure function of its log, log stores, the hub, the client, the projector's page."""
