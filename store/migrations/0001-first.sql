-- Times are microseconds UTC. Ids are given by the store: see counter. Bodies are in the forms of body.go.
-- Indexes that a first load would only be slowed by are made after it: see index.go.

CREATE TABLE counter (
  noun TEXT NOT NULL PRIMARY KEY,
  last BIGINT NOT NULL
) /*sqlite WITHOUT ROWID */;

-- Numbers for the names that recur in bodies and link rows: attributes, rules, connectors.
CREATE TABLE word (
  no BIGINT PRIMARY KEY,
  text TEXT NOT NULL
);

CREATE TABLE connector (
  no BIGINT PRIMARY KEY,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  ord BIGINT NOT NULL,
  name TEXT NOT NULL
);

-- scope is '' where the cursor is not good for reading on.
CREATE TABLE cursor (
  connector BIGINT PRIMARY KEY,
  bytes BYTEA,
  scope TEXT NOT NULL,
  complete BOOLEAN NOT NULL,
  at BIGINT NOT NULL,
  objects BIGINT NOT NULL
);

-- The full read that is going on, or the last one: which entries it showed (bits by entry id) and what it did not.
CREATE TABLE full_read (
  connector BIGINT PRIMARY KEY,
  run BIGINT NOT NULL,
  done BOOLEAN NOT NULL,
  before BIGINT NOT NULL,
  result BYTEA
);
CREATE TABLE seen (
  connector BIGINT NOT NULL,
  part BIGINT NOT NULL,
  bits BYTEA NOT NULL,
  PRIMARY KEY (connector, part)
) /*sqlite WITHOUT ROWID */;

CREATE TABLE entry (
  id BIGINT PRIMARY KEY,
  connector BIGINT NOT NULL,
  anchor TEXT NOT NULL,
  source_anchor TEXT NOT NULL,
  class TEXT NOT NULL,
  dn TEXT NOT NULL,
  parent TEXT NOT NULL,
  state BIGINT NOT NULL,
  meta BIGINT NOT NULL,
  via BIGINT NOT NULL,
  via_rule TEXT NOT NULL,
  via_on TEXT NOT NULL,
  known TEXT NOT NULL,
  not_kept TEXT NOT NULL,
  imported BIGINT NOT NULL,
  links BYTEA,
  keys BYTEA,
  claims BYTEA,
  hash BYTEA,
  body BYTEA
);
CREATE INDEX entry_anchor ON entry (connector, anchor);
CREATE INDEX entry_meta ON entry (meta) WHERE meta > 0;
CREATE INDEX entry_open ON entry (connector, source_anchor) WHERE anchor = '';
CREATE INDEX entry_synced ON entry (connector, class, state) WHERE source_anchor <> '';
CREATE INDEX entry_not_kept ON entry (connector) WHERE not_kept <> '';
CREATE INDEX entry_missing ON entry (connector) WHERE state = 2;

-- An object that links name and that is not read (yet). It becomes the entry of the same id.
CREATE TABLE stub (
  id BIGINT PRIMARY KEY,
  connector BIGINT NOT NULL,
  anchor TEXT NOT NULL,
  dn TEXT NOT NULL,
  folded TEXT NOT NULL
);
CREATE INDEX stub_anchor ON stub (connector, anchor);
CREATE INDEX stub_folded ON stub (connector, folded) WHERE anchor = '';

-- owner is an entry above zero and a meta below. Rows without a name are what Find finds.
CREATE TABLE key (
  hash BIGINT NOT NULL,
  owner BIGINT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL
);
CREATE TABLE claim (
  hash BIGINT NOT NULL,
  owner BIGINT NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  kept BOOLEAN NOT NULL,
  mine BOOLEAN NOT NULL,
  ord BIGINT NOT NULL,
  anchor TEXT NOT NULL
);

-- The links of sources. state: 0 settled, 1 waiting, 2 changed, 3 removed.
CREATE TABLE link (
  owner BIGINT NOT NULL,
  attr BIGINT NOT NULL,
  target BIGINT NOT NULL,
  state BIGINT NOT NULL,
  PRIMARY KEY (owner, attr, target)
) /*sqlite WITHOUT ROWID */;
-- owner + 0: only a query that says so goes by this index, and it cannot go by the primary key instead.
CREATE INDEX link_changed ON link ((owner + 0), attr, target) WHERE state > 1;

-- The links of targets. state: 0 the target's own, 1 wanted and held, 2 dropped and answered done, 3 to be added,
-- 4 to be dropped.
CREATE TABLE target_link (
  owner BIGINT NOT NULL,
  attr BIGINT NOT NULL,
  target BIGINT NOT NULL,
  state BIGINT NOT NULL,
  PRIMARY KEY (owner, attr, target)
) /*sqlite WITHOUT ROWID */;
CREATE INDEX target_link_target ON target_link (target);
-- It has all columns of the table, so that it is walked instead of the table where only its rows are wanted.
CREATE INDEX target_link_pending ON target_link (owner, attr, target, state) WHERE state > 2;
CREATE TABLE link_retry (
  owner BIGINT NOT NULL,
  attr BIGINT NOT NULL,
  target BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  tries BIGINT NOT NULL,
  at BIGINT NOT NULL,
  next_try BIGINT NOT NULL,
  PRIMARY KEY (owner, attr, target)
);

-- What a target's own administrators master of an object: attr 0 is all of it, else one link attribute.
CREATE TABLE authority (
  entry BIGINT NOT NULL,
  attr BIGINT NOT NULL,
  PRIMARY KEY (entry, attr)
) /*sqlite WITHOUT ROWID */;

CREATE TABLE identity (
  connector BIGINT NOT NULL,
  anchor TEXT NOT NULL,
  source_anchor TEXT NOT NULL,
  PRIMARY KEY (connector, anchor)
) /*sqlite WITHOUT ROWID */;

CREATE TABLE escrow (
  connector BIGINT NOT NULL,
  anchor TEXT NOT NULL,
  dn TEXT NOT NULL,
  first BIGINT NOT NULL,
  last BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (connector, anchor)
);

CREATE TABLE meta (
  id BIGINT PRIMARY KEY,
  class TEXT NOT NULL,
  contact BOOLEAN NOT NULL,
  version BIGINT NOT NULL,
  label TEXT NOT NULL,
  keys BYTEA,
  claims BYTEA,
  body BYTEA
);
-- entry is 0 for a meta, meta is 0 for an entry that joins nothing.
CREATE TABLE held (
  meta BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  n BIGINT NOT NULL,
  reason TEXT NOT NULL,
  class TEXT NOT NULL,
  label TEXT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (meta, entry, n)
);

-- A mark tells what became due after a plan was begun: see due.go.
CREATE TABLE due_entry (
  entry BIGINT PRIMARY KEY,
  mark BIGINT NOT NULL
);
CREATE TABLE due_meta (
  meta BIGINT PRIMARY KEY,
  mark BIGINT NOT NULL
);

-- base: the meta that the plan names -1 becomes base + 1. applied and linked are how many items each walk has passed.
CREATE TABLE plan (
  id BIGINT PRIMARY KEY,
  run BIGINT NOT NULL,
  state BIGINT NOT NULL,
  sealed BOOLEAN NOT NULL,
  made BIGINT NOT NULL,
  rules TEXT NOT NULL,
  totals BYTEA NOT NULL,
  guard BYTEA NOT NULL,
  decided TEXT NOT NULL,
  mark BIGINT NOT NULL,
  base BIGINT NOT NULL,
  made_metas BIGINT NOT NULL,
  items BIGINT NOT NULL,
  applied BIGINT NOT NULL,
  linked BIGINT NOT NULL
);
-- id is plan * 2^32 + the item's place from 1. state: 1 stale. links are its link flows, NULL for none.
CREATE TABLE plan_item (
  id BIGINT PRIMARY KEY,
  meta BIGINT NOT NULL,
  links BYTEA,
  state BIGINT NOT NULL,
  body BYTEA NOT NULL
);

-- state: 0 pending, 1 unconfirmed, 2 refused. source is the source entry that gave the source anchor.
CREATE TABLE export (
  id BIGINT PRIMARY KEY,
  connector BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  meta BIGINT NOT NULL,
  source BIGINT NOT NULL,
  plan BIGINT NOT NULL,
  phase BIGINT NOT NULL,
  op BIGINT NOT NULL,
  state BIGINT NOT NULL,
  tries BIGINT NOT NULL,
  next_try BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  code TEXT NOT NULL,
  text TEXT NOT NULL,
  hash BYTEA NOT NULL,
  body BYTEA NOT NULL
);
CREATE INDEX export_state ON export (connector, state, phase);
CREATE INDEX export_entry ON export (entry);

CREATE TABLE log (
  id BIGINT PRIMARY KEY,
  run BIGINT NOT NULL,
  at BIGINT NOT NULL,
  entry BIGINT NOT NULL,
  meta BIGINT NOT NULL,
  connector BIGINT NOT NULL,
  step TEXT NOT NULL,
  op TEXT NOT NULL,
  text TEXT NOT NULL,
  code TEXT NOT NULL,
  changes BYTEA
);
CREATE INDEX log_entry ON log (entry) WHERE entry > 0;
CREATE INDEX log_meta ON log (meta) WHERE meta > 0;

CREATE TABLE run (
  id BIGINT PRIMARY KEY,
  verb TEXT NOT NULL,
  who TEXT NOT NULL,
  started BIGINT NOT NULL,
  finished BIGINT NOT NULL,
  error TEXT NOT NULL
);
CREATE TABLE step (
  run BIGINT NOT NULL,
  n BIGINT NOT NULL,
  body BYTEA NOT NULL,
  PRIMARY KEY (run, n)
);

CREATE TABLE decision (
  id BIGINT PRIMARY KEY,
  kind TEXT NOT NULL,
  entry BIGINT NOT NULL,
  other BIGINT NOT NULL,
  meta BIGINT NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  at BIGINT NOT NULL
);

CREATE TABLE lease (
  name TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  until BIGINT NOT NULL
);
