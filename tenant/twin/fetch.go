package twin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant/graphapi"
)

// Fetching is what was read of a Graph endpoint.
type Fetching struct {
	// Withheld are resources that the endpoint did not give, with its words.
	Withheld map[string]string `json:"withheld,omitempty"`
	Objects  map[string]int    `json:"objects"`
}

// resource is something to be fetched into a file.
type resource struct {
	kind kind
	path string
	// optional is left out when the endpoint refuses it.
	optional bool
	expands  string // a navigation of which an expansion gives the first objects alone
}

// pageSize is how many objects a page is asked to have.
const pageSize = 999

// resources are what is fetched, in order; more are further properties of users and groups.
func resources(r *graphapi.Reader, more []string, size int) []resource {
	selects := func(class canopy.Class) string {
		list := r.Listable(class)
		if class != canopy.Contact {
			list = append(list, more...)
		}
		return "$select=" + strings.Join(list, ",")
	}
	top := fmt.Sprintf("&$top=%d", size)
	return []resource{
		{kind: organization, path: "/organization"},
		{kind: domains, path: "/domains"},
		{kind: products, path: "/subscribedSkus", optional: true},
		{kind: synchronization, path: "/directory/onPremisesSynchronization", optional: true},
		{kind: users, path: "/users?" + selects(canopy.User) + "&$expand=manager($select=id)" + top},
		{kind: groups, path: "/groups?" + selects(canopy.Group) + top},
		{kind: members, path: "/groups/delta?$select=id,members"},
		{kind: owners, path: "/groups?$select=id&$expand=owners($select=id)" + top, optional: true, expands: "owners"},
		{kind: contacts, path: "/contacts?" + selects(canopy.Contact) + "&$expand=manager($select=id)" + top, optional: true},
		{kind: deleted, path: "/directory/deletedItems/microsoft.graph.user?" + selects(canopy.User) + top, optional: true},
		{kind: roles, path: "/directoryRoles?$expand=members($select=id)", optional: true, expands: "members"},
	}
}

// journal is how far a fetch is. It is kept beside the files, so that one that was killed goes on.
type journal struct {
	From string          `json:"from"`
	Done map[kind]*state `json:"done"`
	path string
}

// state is how far one resource is: its file's size so far, the next page, and whether that is the end.
type state struct {
	Size     int64  `json:"size"`
	Objects  int    `json:"objects"`
	Next     string `json:"next,omitempty"`
	End      bool   `json:"end,omitempty"`
	Withheld string `json:"withheld,omitempty"`
}

const journalName = ".fetch.json"

// openJournal reads how far a fetch from an endpoint is; a folder with another one's is refused.
func openJournal(dir, from string) (*journal, error) {
	j := &journal{From: from, Done: map[kind]*state{}, path: filepath.Join(dir, journalName)}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(j.path)
	if os.IsNotExist(err) {
		list, err := os.ReadDir(dir)
		if err == nil && len(list) > 0 {
			err = &canopy.Error{Kind: canopy.Conflict, Object: dir, Text: "the folder is not empty, and holds nothing that was begun here", Next: "name a folder that is empty or not there"}
		}
		return j, err
	}
	if err != nil {
		return nil, err
	}
	old := &journal{}
	if err := json.Unmarshal(text, old); err != nil || old.Done == nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Object: j.path, Text: "it cannot be read how far the fetch was", Next: "delete the folder and begin again", Err: err}
	}
	if old.From != from {
		return nil, &canopy.Error{Kind: canopy.Conflict, Object: dir, Other: old.From, Text: "the folder holds what was begun to be fetched from " + old.From,
			Next: "name another folder, or delete this one"}
	}
	j.Done = old.Done
	return j, nil
}

// save keeps how far the fetch is, after what was fetched.
func (j *journal) save() error {
	text, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.WriteFile(j.path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(j.path+".new", j.path)
}

// Fetch reads a tenant from a Graph endpoint into a folder. What was begun before goes on after the last page that was kept.
func Fetch(ctx context.Context, s *Source, dir string, tell Progress) (*Fetching, error) {
	j, err := openJournal(dir, s.Base)
	if err != nil {
		return nil, fmt.Errorf("fetch into %s: %w", dir, err)
	}
	f := &fetch{s: s, dir: dir, journal: j, tell: tell, read: graphapi.NewReader()}
	for _, r := range resources(f.read, s.Properties, cmp.Or(s.size, pageSize)) {
		if err := f.resource(ctx, r); err != nil {
			return nil, fmt.Errorf("fetch %s: %w", r.kind, err)
		}
	}
	if err := f.behaviours(ctx); err != nil {
		return nil, fmt.Errorf("fetch %s: %w", behaviours, err)
	}
	out := &Fetching{Withheld: map[string]string{}, Objects: map[string]int{}}
	for k, s := range j.Done {
		if out.Objects[string(k)] = s.Objects; s.Withheld != "" {
			out.Withheld[string(k)] = s.Withheld
		}
	}
	return out, nil
}

// fetch is one under way.
type fetch struct {
	s       *Source
	dir     string
	journal *journal
	tell    Progress
	read    *graphapi.Reader
}

func (f *fetch) state(k kind) *state {
	if f.journal.Done[k] == nil {
		f.journal.Done[k] = &state{}
	}
	return f.journal.Done[k]
}

// resource fetches one resource page by page. A page is in the file before the journal tells of it; what is in the file beyond
// the journal is cut off.
func (f *fetch) resource(ctx context.Context, r resource) error {
	at := f.state(r.kind)
	if at.End {
		return nil
	}
	file, err := f.file(r.kind, at)
	if err != nil {
		return err
	}
	defer file.Close()
	for address := orElse(at.Next, f.s.Base+escape(r.path)); ; address = at.Next {
		p, err := f.page(ctx, address)
		if expired(err) && at.Next != "" { // the link that was kept is too old: from the beginning
			*at = state{}
			if err := file.Truncate(0); err != nil {
				return err
			}
			at.Next = f.s.Base + escape(r.path)
			continue
		}
		if err != nil {
			if at.Withheld = withheld(err); !r.optional || at.Withheld == "" || at.Objects > 0 {
				return err
			}
			at.End = true
			return f.journal.save()
		}
		if p.Value, err = f.expanded(ctx, r, p.Value); err != nil {
			return err
		}
		if err := f.keep(file, at, p.Value); err != nil {
			return err
		}
		if at.Next = p.Next; p.Next == "" {
			at.End = true
		}
		if err := f.journal.save(); err != nil {
			return err
		}
		if f.tell(string(r.kind), at.Objects, 0, at.End); at.End {
			return nil
		}
	}
}

func (f *fetch) file(k kind, at *state) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(f.dir, string(k)+".jsonl"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Truncate(at.Size); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// keep writes objects behind those that are there.
func (f *fetch) keep(file *os.File, at *state, objects []json.RawMessage) error {
	var out bytes.Buffer
	for _, o := range objects {
		if err := json.Compact(&out, o); err != nil {
			return err
		}
		out.WriteByte('\n')
	}
	if _, err := file.WriteAt(out.Bytes(), at.Size); err != nil {
		return err
	}
	at.Size, at.Objects = at.Size+int64(out.Len()), at.Objects+len(objects)
	return file.Sync()
}

// page is a page of objects.
type page struct {
	Value []json.RawMessage `json:"value"`
	Next  string            `json:"@odata.nextLink"`
}

func (f *fetch) page(ctx context.Context, address string) (*page, error) {
	text, err := f.s.do(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	p := &page{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("the answer to %s is no page: %w", address, err)
	}
	return p, nil
}

// expandMost is how many objects an expansion gives.
const expandMost = 20

// expanded are objects with all that an expansion leads to: it gives the first alone, so the rest is asked for. Those that it
// leads nowhere from are left out.
func (f *fetch) expanded(ctx context.Context, r resource, list []json.RawMessage) ([]json.RawMessage, error) {
	if r.expands == "" {
		return list, nil
	}
	var out []json.RawMessage
	for _, raw := range list {
		var object map[string]json.RawMessage
		var id string
		var some []json.RawMessage
		if err := json.Unmarshal(raw, &object); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal(object["id"], &id), json.Unmarshal(orNull(object[r.expands]), &some)); err != nil {
			return nil, err
		}
		if len(some) == 0 {
			continue
		}
		if len(some) < expandMost {
			out = append(out, raw)
			continue
		}
		path, _, _ := strings.Cut(r.path, "?")
		for address := f.s.Base + escape(path+"/"+id+"/"+r.expands+"?$select=id"); address != ""; {
			p, err := f.page(ctx, address)
			if err != nil {
				return nil, err
			}
			if object[r.expands], err = json.Marshal(p.Value); err != nil {
				return nil, err
			}
			line, err := json.Marshal(object)
			if err != nil {
				return nil, err
			}
			out, address = append(out, line), p.Next
		}
	}
	return out, nil
}

func orNull(text json.RawMessage) json.RawMessage {
	if text == nil {
		return json.RawMessage("null")
	}
	return text
}

// behaviours asks of everything that came from a forest, and does not come any more, whether the cloud was given it.
func (f *fetch) behaviours(ctx context.Context) error {
	at := f.state(behaviours)
	if at.End {
		return nil
	}
	ids, err := f.formerlySynced()
	if err != nil {
		return err
	}
	*at = state{}
	file, err := f.file(behaviours, at)
	if err != nil {
		return err
	}
	defer file.Close()
	for len(ids) > 0 && at.Withheld == "" {
		part := ids[:min(len(ids), 20)]
		answers, err := f.s.batch(ctx, part)
		if err != nil {
			return err
		}
		if at.Withheld = answers.withheld; at.Withheld == "" {
			if err := f.keep(file, at, managedLines(part, answers.bodies)); err != nil {
				return err
			}
		}
		ids = ids[len(part):]
		f.tell(string(behaviours), at.Objects, 0, false)
	}
	at.End = true
	f.tell(string(behaviours), at.Objects, 0, true)
	return f.journal.save()
}

// managedLines are answers about who masters objects, each with the object's id.
func managedLines(paths []string, bodies []json.RawMessage) []json.RawMessage {
	var out []json.RawMessage
	for i, body := range bodies {
		var b struct {
			Managed bool `json:"isCloudManaged"`
		}
		if json.Unmarshal(body, &b) == nil && b.Managed {
			out = append(out, json.RawMessage(`{"id":"`+strings.Split(paths[i], "/")[2]+`","isCloudManaged":true}`))
		}
	}
	return out
}

// formerlySynced are the addresses of who masters the objects that were synchronised.
func (f *fetch) formerlySynced() ([]string, error) {
	folder, err := openFolder(f.dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	var out []string
	for _, k := range []kind{users, groups, contacts} {
		err := folder.each(k, func(_ place, text []byte) error {
			var s struct {
				ID     string `json:"id"`
				Synced *bool  `json:"onPremisesSyncEnabled"`
			}
			if err := json.Unmarshal(text, &s); err != nil {
				return err
			}
			if s.Synced != nil && !*s.Synced {
				out = append(out, "/"+string(k)+"/"+s.ID+"/onPremisesSyncBehavior")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// escape makes an address of a path with options.
func escape(path string) string {
	return strings.NewReplacer(" ", "%20", "$", "%24").Replace(path)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
