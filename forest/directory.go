package forest

import (
	"encoding/binary"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"
)

// indexed are the attributes by whose values objects are found without a scan.
var indexed = [...]string{"sAMAccountName", "userPrincipalName", "mail", "mailNickname", "proxyAddresses",
	"mS-DS-ConsistencyGuid", "employeeID", "lDAPDisplayName"}

// directory is the content of one domain controller. What reads holds mu for reading, what writes for writing.
type directory struct {
	mu      sync.RWMutex
	schema  *schema
	a       wellKnown
	domain  string // "contoso.lab"
	netbios string
	host    string // "dc1"
	clock   func() time.Time
	seed    uint64
	serial  uint64 // of the last GUID
	rid     uint32 // last given out
	usn     uint64 // highest committed
	sid     string // the domain's
	self    guid   // invocation id

	main, config, definitions *naming
	byGUID                    map[guid]*object
	bySID                     map[string]*object
	values                    [len(indexed)]valueIndex
	secrets                   map[*object][32]byte
	categories                map[string]string // default object categories, as kept
	rights                    map[*object]Rights
	watchers                  map[*watcher]struct{}
}

// wellKnown are the attributes that the server itself deals in.
type wellKnown struct {
	cn, ou, dc, name, objectClass, objectGUID, objectSid, objectCategory, instanceType, description, systemFlags,
	sAMAccountName, sAMAccountType, userPrincipalName, userAccountControl, groupType, primaryGroupID, pwdLastSet,
	accountExpires, codePage, countryCode, adminCount, operatorCount, member, memberOf, isDeleted, isRecycled,
	lastKnownParent, isCriticalSystemObject, distinguishedName, unicodePwd, dBCSPwd, lmPwdHistory, ntPwdHistory,
	supplementalCredentials, logonHours, lastLogonTimestamp, lockoutTime, parentGUID, whenCreated, whenChanged,
	uSNCreated, uSNChanged, nTSecurityDescriptor, showInAdvancedViewOnly *attribute
}

// valueIndex finds objects by the key of a value. Most values have one object.
type valueIndex struct {
	one  map[string]*object
	more map[string][]*object
}

func (x *valueIndex) add(key string, o *object) {
	if x.one == nil {
		x.one, x.more = map[string]*object{}, map[string][]*object{}
	}
	switch at, ok := x.one[key]; {
	case !ok:
		x.one[key] = o
	case at != o && !slices.Contains(x.more[key], o):
		x.more[key] = append(x.more[key], o)
	}
}

func (x *valueIndex) remove(key string, o *object) {
	more := x.more[key]
	if x.one[key] != o {
		if i := slices.Index(more, o); i >= 0 {
			more = slices.Delete(more, i, i+1)
		}
	} else if len(more) > 0 {
		x.one[key], more = more[0], more[1:]
	} else {
		delete(x.one, key)
	}
	if len(more) == 0 {
		delete(x.more, key)
	} else {
		x.more[key] = more
	}
}

func (x *valueIndex) get(key string) []*object {
	o := x.one[key]
	if o == nil {
		return nil
	}
	return append([]*object{o}, x.more[key]...)
}

func newDirectory(opt *Options) *directory {
	d := &directory{schema: newSchema(opt.Exchange), domain: strings.ToLower(opt.Domain), netbios: opt.Netbios,
		host: opt.Host, clock: opt.Clock, rid: 1000, byGUID: map[guid]*object{}, bySID: map[string]*object{},
		secrets: map[*object][32]byte{}, categories: map[string]string{}, rights: map[*object]Rights{}, watchers: map[*watcher]struct{}{},
		main: &naming{}, config: &naming{}, definitions: &naming{}}
	h := fnv.New64a()
	h.Write([]byte(d.domain))
	d.seed = h.Sum64() ^ mix(opt.Seed)
	s := d.newGUID()
	sid := []byte{1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0}
	d.sid = string(append(sid, s[:12]...))
	d.self = d.newGUID()
	d.name()
	return d
}

// name finds the attributes that the server itself deals in.
func (d *directory) name() {
	at := func(name string) *attribute {
		a := d.schema.attr(name)
		if a == nil {
			panic("attributes.txt lacks " + name)
		}
		return a
	}
	d.a = wellKnown{cn: at("cn"), ou: at("ou"), dc: at("dc"), name: at("name"), objectClass: at("objectClass"),
		objectGUID: at("objectGUID"), objectSid: at("objectSid"), objectCategory: at("objectCategory"),
		instanceType: at("instanceType"), description: at("description"), systemFlags: at("systemFlags"),
		sAMAccountName: at("sAMAccountName"), sAMAccountType: at("sAMAccountType"),
		userPrincipalName: at("userPrincipalName"), userAccountControl: at("userAccountControl"),
		groupType: at("groupType"), primaryGroupID: at("primaryGroupID"), pwdLastSet: at("pwdLastSet"),
		accountExpires: at("accountExpires"), codePage: at("codePage"), countryCode: at("countryCode"),
		adminCount: at("adminCount"), operatorCount: at("operatorCount"), member: at("member"),
		memberOf: at("memberOf"), isDeleted: at("isDeleted"), isRecycled: at("isRecycled"),
		lastKnownParent: at("lastKnownParent"), isCriticalSystemObject: at("isCriticalSystemObject"),
		distinguishedName: at("distinguishedName"), unicodePwd: at("unicodePwd"), dBCSPwd: at("dBCSPwd"),
		lmPwdHistory: at("lmPwdHistory"), ntPwdHistory: at("ntPwdHistory"),
		supplementalCredentials: at("supplementalCredentials"), logonHours: at("logonHours"),
		lastLogonTimestamp: at("lastLogonTimestamp"), lockoutTime: at("lockoutTime"), parentGUID: at("parentGUID"),
		whenCreated: at("whenCreated"), whenChanged: at("whenChanged"), uSNCreated: at("uSNCreated"),
		uSNChanged: at("uSNChanged"), nTSecurityDescriptor: at("nTSecurityDescriptor"),
		showInAdvancedViewOnly: at("showInAdvancedViewOnly")}
}

// mix spreads the bits of a number.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// newGUID gives the next GUID of the seed's sequence.
func (d *directory) newGUID() guid {
	d.serial++
	var g guid
	binary.LittleEndian.PutUint64(g[:8], mix(d.seed^mix(2*d.serial)))
	binary.LittleEndian.PutUint64(g[8:], mix(d.seed^mix(2*d.serial+1)))
	g[7] = g[7]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// nextUSN begins a change.
func (d *directory) nextUSN() uint64 {
	d.usn++
	return d.usn
}

// changedAt notes a change of o and tells who watches.
func (d *directory) changedAt(o *object, usn uint64) {
	o.changed, o.touched = usn, d.clock().Unix()
	o.nc.touch(o)
	for w := range d.watchers {
		w.notice(o)
	}
}

// find resolves a DN, <GUID=...>, <SID=...> or <WKGUID=...,DN>. For an unknown one it gives the nearest object above.
// ok is false when the text is no DN at all.
func (d *directory) find(text string) (o, nearest *object, ok bool) {
	if strings.HasPrefix(text, "<") {
		return d.findByKey(text)
	}
	dn, ok := parseDN(text)
	if !ok {
		return nil, nil, false
	}
	return d.walk(dn)
}

func (d *directory) walk(dn []rdn) (o, nearest *object, ok bool) {
	for _, nc := range [...]*naming{d.definitions, d.config, d.main} {
		n := len(nc.path)
		if len(dn) < n || !slices.EqualFunc(dn[len(dn)-n:], nc.path, rdn.equal) {
			continue
		}
		at := nc.head
		for i := len(dn) - n - 1; i >= 0; i-- {
			kid := at.kids[dn[i].key()]
			if kid == nil {
				return nil, at, true
			}
			at = kid
		}
		return at, at, true
	}
	return nil, nil, true
}

func (d *directory) findByKey(text string) (o, nearest *object, ok bool) {
	key, _, ok := strings.Cut(text[1:], ">")
	kind, value, found := strings.Cut(key, "=")
	if !ok || !found {
		return nil, nil, false
	}
	switch strings.ToUpper(kind) {
	case "GUID":
		g, ok := parseGUID(value)
		return d.byGUID[g], nil, ok
	case "SID":
		if raw, err := hexBytes(value); err == nil {
			value = raw
		}
		sid, err := parseSID(value)
		return d.bySID[sid], nil, err == nil
	case "WKGUID":
		name := wellKnownContainers[strings.ToUpper(strings.Split(value, ",")[0])]
		if name == "" {
			return nil, nil, true
		}
		return d.find(name + "," + d.main.head.dn)
	}
	return nil, nil, false
}

// wellKnownContainers are the domain's containers by their well-known GUIDs.
var wellKnownContainers = map[string]string{
	"A9D1CA15768811D1ADED00C04FD8D5CD": "CN=Users",
	"AA312825768811D1ADED00C04FD8D5CD": "CN=Computers",
	"A361B2FFFFD211D1AA4B00C04FD7D83A": "OU=Domain Controllers",
	"AB1D30F3768811D1ADED00C04FD8D5CD": "CN=System",
	"AB8153B7768811D1ADED00C04FD8D5CD": "CN=LostAndFound",
	"18E2EA80684F11D2B9AA00C04F79F805": "CN=Deleted Objects",
	"22B70C67D56E4EFB91E9300FCA3DC1AA": "CN=ForeignSecurityPrincipals",
	"2FBAC1870ADE11D297C400C04FD8D5CD": "CN=Infrastructure",
}

// index enters or removes the stored values of an object in the value indexes.
func (d *directory) index(o *object, a *attribute, vals []string, present bool) {
	if a.slot < 0 {
		return
	}
	for _, v := range vals {
		if present {
			d.values[a.slot].add(a.key(v), o)
		} else {
			d.values[a.slot].remove(a.key(v), o)
		}
	}
}

// store sets the values of an attribute and keeps the indexes.
func (d *directory) store(o *object, a *attribute, usn uint64, vals []string) {
	if a.slot >= 0 {
		d.index(o, a, o.stored(a), false)
		d.index(o, a, vals, true)
	}
	o.set(a, usn, vals)
}
