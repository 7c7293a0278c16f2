package twin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi"
)

// Exported says what an export wrote.
type Exported struct {
	Objects map[string]int `json:"objects"`
	// Supplemented are the objects of which Graph does not tell all.
	Supplemented int `json:"supplemented"`
	Mailboxes    int `json:"mailboxes"`
}

// companionName is the file for what Graph does not tell.
const companionName = string(companion) + ".jsonl"

// Export writes a tenant down in a new folder, as Graph tells it, with a companion for the rest. Nobody may write the tenant
// meanwhile. The folder is there when it is complete.
func Export(ctx context.Context, t *tenant.Tenant, dir string, tell Progress) (*Exported, error) {
	if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return nil, &canopy.Error{Kind: canopy.Conflict, Object: dir, Text: "the folder is not empty", Next: "name a folder that is empty or not there"}
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o755); err != nil {
		return nil, err
	}
	partial, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".canopy-export-")
	if err != nil {
		return nil, fmt.Errorf("export into %s: %w", dir, err)
	}
	out, err := export(ctx, t, partial, tell)
	if err == nil {
		err = os.Remove(filepath.Join(partial, journalName))
	}
	if err == nil {
		if err = os.Remove(dir); os.IsNotExist(err) {
			err = nil
		}
	}
	if err == nil {
		err = os.Rename(partial, dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("export into %s: %w", dir, err), os.RemoveAll(partial))
	}
	return out, nil
}

func export(ctx context.Context, t *tenant.Tenant, dir string, tell Progress) (*Exported, error) {
	s := &Source{Base: "https://tenant/v1.0", Client: &http.Client{Transport: graphapi.Inside(t)}}
	fetched, err := Fetch(ctx, s, dir, tell)
	if err != nil {
		return nil, err
	}
	if err := sortMembers(dir); err != nil {
		return nil, err
	}
	out := &Exported{Objects: fetched.Objects}
	r, err := readFolder(dir)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(dir, companionName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	w := bufio.NewWriter(file)
	err = out.companion(ctx, t, r, json.NewEncoder(w), tell)
	return out, errors.Join(err, w.Flush(), file.Close(), r.Close())
}

// companion writes what Graph does not tell.
func (out *Exported) companion(ctx context.Context, t *tenant.Tenant, r *reading, e *json.Encoder, tell Progress) error {
	e.SetEscapeHTML(false)
	admin := t.Admin()
	conf, err := admin.WholeTenant(ctx)
	if err != nil {
		return err
	}
	if err := e.Encode(head{Version: companionVersion, Complete: true, Tenant: &conf}); err != nil {
		return err
	}
	d := newDeriver(conf.Initial)
	done := 0
	err = admin.Whole(ctx, func(w *tenant.Whole) error {
		at, known := r.byID[w.ID]
		if !known && !w.Deleted.IsZero() {
			return nil // its time is over, and nobody has looked since
		}
		if !known {
			return fmt.Errorf("the Graph door does not tell of the object %s", w.ID)
		}
		derived, err := r.derived(at, d)
		if err != nil {
			return err
		}
		if done++; done%pageSize == 0 {
			tell(string(companion), done, len(r.entries), false)
		}
		s := differ(derived, w, r.entries[at].number)
		if s == nil {
			return nil
		}
		out.Supplemented++
		return e.Encode(s)
	})
	if err != nil {
		return err
	}
	tell(string(companion), done, len(r.entries), true)
	return admin.WholeMailboxes(ctx, func(m *tenant.WholeMailbox) error {
		out.Mailboxes++
		return e.Encode(mailboxLine{m})
	})
}

// sortMembers puts the groups with their members, which come in the order of their changes, into one that does not depend on them.
func sortMembers(dir string) error {
	f, err := openFolder(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	type line struct {
		id string
		at place
	}
	var lines []line
	err = f.each(members, func(p place, text []byte) error {
		var n named
		err := json.Unmarshal(text, &n)
		lines = append(lines, line{n.ID, p})
		return err
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.id, b.id) })
	path := filepath.Join(dir, string(members)+".jsonl")
	file, err := os.OpenFile(path+".sorted", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	for _, l := range lines {
		text, err := f.read(l.at)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		_, _ = w.Write(append(text, '\n')) // Flush tells
	}
	return errors.Join(w.Flush(), file.Close(), os.Rename(path+".sorted", path))
}
