-- owner + 0: only a query that says so goes by this index, in its order and from any place on, and it cannot go by the
-- primary key instead. It has all columns of the table, so that the table is not looked at.
DROP INDEX target_link_pending;
CREATE INDEX target_link_pending ON target_link ((owner + 0), attr, target, state) WHERE state > 2;
