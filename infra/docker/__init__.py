"""How the pipeline runs in containers: the image of the roles, and what docker compose mounts."""
