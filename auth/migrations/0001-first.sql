CREATE TABLE agent (
  id TEXT PRIMARY KEY,
  domains TEXT NOT NULL,
  enrolled BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  revoked BIGINT NOT NULL,
  contact BYTEA NOT NULL
);

CREATE TABLE token (
  hash BYTEA PRIMARY KEY,
  domains TEXT NOT NULL,
  made BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT NOT NULL,
  agent TEXT NOT NULL
);
