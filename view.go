package canopy

// Hit is one answer of a Lookup.
type Hit struct {
	Key       Key
	Meta      MetaID
	Entry     EntryID
	Connector ConnectorID
}

// LinkQuery asks for the links of Owner under Attr, each beside what the entry Target holds under TargetAttr. A Target
// of 0 is a target entry that is only planned: nothing is held there.
type LinkQuery struct {
	Owner   EntryID
	Attr    Attr
	Changed bool // only rows that changed since they were last planned
	// Held counts what the target holds as desired, whatever was planned.
	Held       bool
	Connector  ConnectorID
	Target     EntryID
	TargetAttr Attr
	// To, if not nil, asks for rows that were planned before, did not change, and lead to one of these source entries.
	// With an Owner of 0 these are everybody's who is joined, under any attribute, and a row tells of its two ends alone.
	To []EntryID
}

// LinkRow is one link of a source entry. Entry and Meta are 0 while the object it names is unknown, or not joined.
type LinkRow struct {
	// Owner and OwnerMeta tell whose row it is, where the query names no owner.
	Owner     EntryID
	OwnerMeta MetaID

	Ref     Ref
	Removed bool // the source does not hold it any more
	Entry   EntryID
	State   EntryState
	Meta    MetaID
	// Counterpart is the entry of Meta in the query's connector, 0 when there is none.
	Counterpart EntryID
	// Desired tells that an applied plan wants the target to hold it.
	Desired bool
}
