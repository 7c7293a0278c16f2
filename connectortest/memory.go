package connectortest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/canopy-sync/canopy"
)

// Options shape a Memory. The zero Options are a forest with containers that can be written to and watched.
type Options struct {
	Name string // "" is memory.test
	Kind string // "" is "ad", or "tenant" with Flat
	// Flat is a directory without containers and DNs, as a tenant is. It is a target, and its objects show the
	// source anchor they were added with as canopy.AttrSourceAnchor.
	Flat bool
	// Batch is how many changes a batch holds, 0: 100.
	Batch int
	// Always a full read: Abilities.Delta is off.
	NoDelta, NoWrite, NoWatch bool
	// Attributes are added to the schema, or replace what it says.
	Attributes map[canopy.Attr]canopy.AttrType
	// Unique are attributes of which no two objects may hold the same value, case folded.
	Unique []canopy.Attr
	// Refuse answers an export in the directory's stead; nil, or a nil answer: the directory answers. For tests of
	// what a directory does wrong. It is called with the directory's lock held.
	Refuse func(canopy.Export) *canopy.Result
	// Hide keeps objects out of full reads, as a directory does that lost rights or replicas.
	Hide func(canopy.Ref) bool
}

// Memory is a directory in memory: a canopy.Connector, and its own Puppet. It checks what it is given against its
// schema, and decides nothing else. Its anchors are the same in every run.
type Memory struct {
	opt Options

	mu      sync.Mutex
	objects map[canopy.Anchor]*object
	log     []event // everything that happened; a cursor is a place in it
	made    int
	watch   map[int]func()
	watches int
}

type object struct {
	anchor canopy.Anchor
	class  canopy.Class
	name   string
	parent canopy.Anchor
	attrs  canopy.Attrs
	links  map[canopy.Attr]map[canopy.Anchor]bool
}

// event is one thing that happened to one object.
type event struct {
	anchor  canopy.Anchor
	class   canopy.Class
	dn      string // of a deleted object
	made    bool
	deleted bool
	moved   bool
	attrs   []canopy.Attr
	added   map[canopy.Attr][]canopy.Anchor
	removed map[canopy.Attr][]canopy.Anchor
}

var (
	_ canopy.Connector = (*Memory)(nil)
	_ Puppet           = (*Memory)(nil)
)

// NewMemory makes an empty directory. With containers it has one object, the domain, which Root names.
func NewMemory(o Options) *Memory {
	if o.Name == "" {
		o.Name = "memory.test"
	}
	if o.Batch == 0 {
		o.Batch = 100
	}
	if o.Kind == "" {
		o.Kind = "ad"
		if o.Flat {
			o.Kind = "tenant"
		}
	}
	m := &Memory{opt: o, objects: map[canopy.Anchor]*object{}, watch: map[int]func(){}}
	if !o.Flat {
		m.insert(canopy.Container, "", "")
	}
	return m
}

// Root is the container above all others; zero in a flat directory.
func (m *Memory) Root() canopy.Ref {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.opt.Flat {
		return canopy.Ref{}
	}
	return m.ref(m.anchor(1))
}

// Describe tells the schema and the abilities.
func (m *Memory) Describe(ctx context.Context) (canopy.Description, error) {
	schema := canopy.Schema{Exchange: true, Attributes: m.schema(),
		Classes: []canopy.Class{canopy.User, canopy.InetOrgPerson, canopy.Group, canopy.Contact, canopy.Container}}
	return canopy.Description{Kind: m.opt.Kind, Name: m.opt.Name, Schema: schema,
		Abilities: canopy.Abilities{Delta: !m.opt.NoDelta, Watch: !m.opt.NoWatch, Write: !m.opt.NoWrite,
			Target: m.opt.Flat && !m.opt.NoWrite},
		Values: map[string]string{"Domain.FQDN": m.opt.Name, "Forest.FQDN": m.opt.Name,
			"Domain.Netbios": strings.ToUpper(strings.SplitN(m.opt.Name, ".", 2)[0])}}, ctx.Err()
}

// schema is a new map each time, so that a caller may keep it.
func (m *Memory) schema() map[canopy.Attr]canopy.AttrType {
	all := map[canopy.Attr]canopy.AttrType{}
	for _, a := range []canopy.Attr{"cn", "displayName", "givenName", "sn", "mail", "userPrincipalName", "sAMAccountName",
		"mailNickname", "telephoneNumber", "department", "title", "company", "l", "targetAddress", "objectSid",
		"employeeID", "legacyExchangeDN", "adminDescription", "alias", "surname", "city", canopy.AttrSourceAnchor} {
		all[a] = canopy.AttrType{Type: canopy.String}
	}
	for _, a := range []canopy.Attr{"proxyAddresses", "otherTelephone", "description"} {
		all[a] = canopy.AttrType{Type: canopy.String, Multi: true}
	}
	for _, a := range []canopy.Attr{"userAccountControl", "groupType", "msExchRecipientTypeDetails", "msExchRecipientDisplayType"} {
		all[a] = canopy.AttrType{Type: canopy.Integer}
	}
	for _, a := range []canopy.Attr{"accountEnabled", "isCriticalSystemObject", "msExchHideFromAddressLists", "mailEnabled", "securityEnabled"} {
		all[a] = canopy.AttrType{Type: canopy.Boolean}
	}
	for _, a := range []canopy.Attr{"mS-DS-ConsistencyGuid", "objectGUID", "thumbnailPhoto", "msExchMailboxGuid"} {
		all[a] = canopy.AttrType{Type: canopy.Binary}
	}
	all["whenCreated"] = canopy.AttrType{Type: canopy.Time}
	all[canopy.AttrMember] = canopy.AttrType{Type: canopy.Reference, Multi: true}
	all[canopy.AttrManager] = canopy.AttrType{Type: canopy.Reference}
	all["managedBy"] = canopy.AttrType{Type: canopy.Reference}
	maps.Copy(all, m.opt.Attributes)
	return all
}

// Check finds nothing wrong.
func (m *Memory) Check(ctx context.Context) ([]canopy.Finding, error) { return nil, ctx.Err() }

// Watch calls changed after each change.
func (m *Memory) Watch(ctx context.Context, changed func()) error {
	if m.opt.NoWatch {
		return &canopy.Error{Kind: canopy.Unsupported, Object: m.opt.Name, Text: "does not announce changes"}
	}
	bell := make(chan struct{}, 1)
	m.mu.Lock()
	m.watches++
	id := m.watches
	m.watch[id] = func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		delete(m.watch, id)
		m.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-bell:
			changed()
		}
	}
}

// Container makes a container below parent, or below the root.
func (m *Memory) Container(t testing.TB, name string, parent canopy.Ref) canopy.Ref {
	t.Helper()
	return m.Create(t, Object{Class: canopy.Container, Name: name, Parent: parent})
}

// Create makes an object. A person of whom nothing else is said gets a userPrincipalName of its name.
func (m *Memory) Create(t testing.TB, o Object) canopy.Ref {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	x := canopy.Export{Op: canopy.Add, Class: o.Class, Set: o.Attrs.Clone(), Links: map[canopy.Attr]canopy.LinkChange{}}
	if x.Set == nil {
		x.Set = canopy.Attrs{}
	}
	if len(x.Set[canopy.AttrUPN]) == 0 && o.Class != canopy.Group && o.Class != canopy.Container && o.Class != canopy.Contact {
		x.Set[canopy.AttrUPN] = canopy.Texts(m.Login(o.Name))
	}
	for a, refs := range o.Links {
		x.Links[a] = canopy.LinkChange{Whole: true, Added: refs}
	}
	parent := m.objects[o.Parent.Anchor]
	if parent == nil && !m.opt.Flat {
		parent = m.objects[m.anchor(1)]
	}
	r := m.add(&x, o.Name, parent)
	if r.Kind != canopy.Done || len(r.Failed) > 0 {
		t.Fatalf("create %s %s: %+v", o.Class, o.Name, r)
	}
	return m.ref(r.Anchor)
}

// Login is the userPrincipalName that Create gives a person of this name.
func (m *Memory) Login(name string) string {
	return strings.NewReplacer(" ", ".", ",", "").Replace(name) + "@" + m.opt.Name
}

// Modify changes values and links.
func (m *Memory) Modify(t testing.TB, ref canopy.Ref, set canopy.Attrs, links map[canopy.Attr]canopy.LinkChange) {
	t.Helper()
	x := canopy.Export{Op: canopy.Modify, Ref: ref, Set: canopy.Attrs{}, Links: links}
	for a, v := range set {
		if len(v) == 0 {
			x.Clear = append(x.Clear, a)
		} else {
			x.Set[a] = v
		}
	}
	m.must(t, &x)
}

// Move renames an object, moves it below parent, or both.
func (m *Memory) Move(t testing.TB, ref canopy.Ref, name string, parent canopy.Ref) canopy.Ref {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.objects[ref.Anchor]
	if o == nil || m.objects[parent.Anchor] == nil {
		t.Fatalf("move %s below %s: one of them is not there", ref.Anchor, parent.Anchor)
	}
	m.move(o, name, parent.Anchor)
	return m.ref(ref.Anchor)
}

// Delete deletes an object and all below it.
func (m *Memory) Delete(t testing.TB, ref canopy.Ref) {
	t.Helper()
	m.must(t, &canopy.Export{Op: canopy.Delete, Ref: ref})
}

func (m *Memory) must(t testing.TB, x *canopy.Export) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.do(x); r.Kind != canopy.Done || len(r.Failed) > 0 {
		t.Fatalf("%v %s: %+v", x.Op, x.Ref.Anchor, r)
	}
}

// anchor makes the nth anchor; directories of different names have different ones.
func (m *Memory) anchor(n int) canopy.Anchor {
	var sum uint32 = 2166136261
	for _, b := range []byte(m.opt.Name) {
		sum = (sum ^ uint32(b)) * 16777619
	}
	return canopy.Anchor(fmt.Sprintf("%08x-0000-4000-8000-%012d", sum, n))
}

func (m *Memory) insert(c canopy.Class, name string, parent canopy.Anchor) *object {
	m.made++
	o := &object{anchor: m.anchor(m.made), class: c, name: name, parent: parent, attrs: canopy.Attrs{},
		links: map[canopy.Attr]map[canopy.Anchor]bool{}}
	m.objects[o.anchor] = o
	return o
}

func (m *Memory) ref(a canopy.Anchor) canopy.Ref {
	return canopy.Ref{Anchor: a, DN: m.dn(m.objects[a])}
}

// MemoryDN is the DN of an object of a Memory below the container parent.
func MemoryDN(c canopy.Class, name string, parent canopy.Ref) string {
	kind := "CN="
	if c == canopy.Container {
		kind = "OU="
	}
	return kind + strings.NewReplacer(`\`, `\\`, ",", `\,`, "+", `\+`).Replace(name) + "," + parent.DN
}

func (m *Memory) dn(o *object) string {
	switch {
	case o == nil || m.opt.Flat:
		return ""
	case o.parent == "":
		return "DC=" + strings.ReplaceAll(m.opt.Name, ".", ",DC=")
	}
	return MemoryDN(o.class, o.name, m.ref(o.parent))
}

// byDN finds an object by its DN.
func (m *Memory) byDN(dn string) *object {
	for _, o := range m.objects {
		if dn != "" && canopy.Fold(m.dn(o)) == canopy.Fold(dn) {
			return o
		}
	}
	return nil
}

func (m *Memory) sorted() []canopy.Anchor { return slices.Sorted(maps.Keys(m.objects)) }

// happened records what happened and rings for those who watch.
func (m *Memory) happened(e event) {
	m.log = append(m.log, e)
	for _, ring := range m.watch {
		ring()
	}
}
