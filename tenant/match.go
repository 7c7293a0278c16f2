package tenant

import "github.com/canopy-sync/canopy"

// newcomer is an object that an Add brings.
type newcomer struct {
	class    canopy.Class
	anchor   string
	object   string // its onPremisesObjectIdentifier, "" when it is not synchronised
	switches Switches
	policy   Policy
}

// holder is an object that has one of the newcomer's keys.
type holder struct {
	id      int64
	oid     canopy.Anchor
	class   canopy.Class
	anchor  string
	synced  bool
	deleted bool
	role    bool
	moved   authority
	object  string // the onPremisesObjectIdentifier that it had
	label   string
}

// name is the holder for people.
func (h holder) name() string { return string(h.class) + " " + h.label + " (" + string(h.oid) + ")" }

// How an Add meets an object that is there.
const (
	byAnchor  = "anchor"
	byAddress = "address"
	byUPN     = "upn"
	restored  = "restored"
)

// matchRow is one row of a matching table: the first whose condition holds decides.
type matchRow struct {
	when func(n newcomer, h holder) bool
	code string // refusal; "" matches
	how  string // the match; "" is the key by which the holder was found
	says string
}

// hardRows decide about an object that has the newcomer's anchor.
var hardRows = []matchRow{
	{when: otherClass, code: CodeTypeMismatch,
		says: "the source anchor belongs to an object of another class"},
	{when: func(_ newcomer, h holder) bool { return h.synced && h.deleted }, how: restored,
		says: "a deleted synchronised user comes back"},
	{when: func(_ newcomer, h holder) bool { return h.synced },
		says: "it was added before"},
	{when: func(_ newcomer, h holder) bool { return h.moved == converted }, code: CodeCloudManaged,
		says: "the object was given to the cloud (isCloudManaged); give it back first"},
	{when: func(n newcomer, h holder) bool { return h.moved == returning && n.class != canopy.User },
		says: "a group or contact that was given back is taken"},
	{when: func(_ newcomer, h holder) bool { return h.role }, code: CodeHardMatch,
		says: "the object with this source anchor holds a directory role and is never taken over; take the role away first"},
	{when: func(n newcomer, _ holder) bool { return n.switches.BlockHardMatchTakeover }, code: CodeHardMatch,
		says: "taking over a cloud object by its source anchor is switched off (blockCloudObjectTakeoverThroughHardMatch)"},
	{when: func(n newcomer, h holder) bool {
		return n.object != "" && h.object != "" && n.object != h.object && !n.switches.AllowRemap
	}, code: CodeHardMatch,
		says: "the object with this source anchor was another object of a forest before (onPremisesObjectIdentifier); allowOnPremUpdateOfOnPremisesObjectIdentifier lets it be taken over all the same"},
	{when: func(_ newcomer, h holder) bool { return h.deleted }, how: restored,
		says: "a deleted cloud user with this anchor comes back and is taken over"},
	{when: always, says: "a cloud object with this anchor is taken over"},
}

// softRows decide about an object that has the newcomer's primary address or UPN.
var softRows = []matchRow{
	{when: otherClass, code: CodeTypeMismatch,
		says: "the value belongs to an object of another class"},
	{when: func(n newcomer, h holder) bool { return h.anchor != "" && h.anchor != n.anchor }, code: CodeSoftMatch,
		says: "the value belongs to an object with another source anchor, and is never matched"},
	{when: func(_ newcomer, h holder) bool { return h.role }, code: CodeAdminRole,
		says: "the object that has the value holds a directory role and is never taken over; take the role away first"},
	{when: always, says: "a cloud object is taken over"},
}

func otherClass(n newcomer, h holder) bool { return n.class != h.class }
func always(newcomer, holder) bool         { return true }

func firstRow(rows []matchRow, n newcomer, h holder) matchRow {
	for _, r := range rows {
		if r.when(n, h) {
			return r
		}
	}
	return matchRow{}
}

// hardMatch decides about the object with the newcomer's anchor.
func hardMatch(n newcomer, h holder) (how string, r *refusal) {
	row := firstRow(hardRows, n, h)
	if row.code != "" {
		r = refuse(row.code, canopy.AttrSourceAnchor, "%s: %s", h.name(), row.says)
		r.other = h.name()
		return "", r
	}
	if row.how != "" {
		return row.how, nil
	}
	return byAnchor, nil
}

// softKey is one key by which a soft match is tried, with those who have it.
type softKey struct {
	how     string
	attr    canopy.Attr
	value   string
	holders []holder
}

// softMatch decides between the holders of the newcomer's keys, in the keys' order. No match and no refusal means that
// the object is made. With the policy UniqueNone an address never keeps an object from being made; with UniqueQuarantine it
// is made without the value, unless a group of another class has it.
func softMatch(n newcomer, keys []softKey) (match *holder, how string, refused *refusal) {
	for _, k := range keys {
		if n.switches.BlockSoftMatch || k.how == byUPN && !n.switches.SoftMatchOnUPN {
			continue
		}
		for _, h := range k.holders {
			row := firstRow(softRows, n, h)
			if row.code == "" {
				return &h, k.how, nil
			}
			lenient := n.policy == UniqueNone && k.how == byAddress && row.code != CodeAdminRole ||
				n.policy == UniqueQuarantine && (row.code != CodeTypeMismatch || h.class != canopy.Group)
			if refused == nil && !lenient {
				refused = refuse(row.code, k.attr, "%s %q is held by %s: %s", k.attr, k.value, h.name(), row.says)
				refused.other = h.name()
			}
		}
		if refused != nil {
			return nil, "", refused
		}
	}
	return nil, "", nil
}
