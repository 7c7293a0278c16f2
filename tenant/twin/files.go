package twin

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// kind is what the files of a folder hold, by the beginning of their names.
type kind string

// The kinds.
const (
	organization    kind = "organization"
	domains         kind = "domains"
	products        kind = "subscribedSkus"
	synchronization kind = "onPremisesSynchronization"
	users           kind = "users"
	groups          kind = "groups"
	contacts        kind = "contacts"
	deleted         kind = "deletedUsers"
	members         kind = "members"
	owners          kind = "owners"
	behaviours      kind = "onPremisesSyncBehavior"
	roles           kind = "directoryRoles"
	companion       kind = "companion"
)

var kinds = []kind{organization, domains, products, synchronization, users, groups, contacts, deleted, members, owners, behaviours, roles, companion}

// place is where an object stands in a file.
type place struct {
	file int32
	size int32
	at   int64
}

// folder is a folder with files as Graph gives them.
type folder struct {
	dir   string
	names []string // slashed, below dir
	open  []*os.File
	files map[kind][]int32
	// unfinished are kinds whose last page says that there are more.
	unfinished map[kind]bool
}

// openFolder opens the files of a folder that are of a kind.
func openFolder(dir string) (*folder, error) {
	f := &folder{dir: dir, files: map[kind][]int32{}, unfinished: map[kind]bool{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		k, ok := kindOf(name)
		if !ok {
			return nil
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		f.files[k] = append(f.files[k], int32(len(f.open)))
		f.names, f.open = append(f.names, name), append(f.open, file)
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the folder %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// Close closes the files.
func (f *folder) Close() error {
	var errs []error
	for _, file := range f.open {
		errs = append(errs, file.Close())
	}
	return errors.Join(errs...)
}

// kindOf tells what a file holds by its name: users.json, users-2.jsonl, members/GROUP.json.
func kindOf(name string) (kind, bool) {
	lower := strings.ToLower(name)
	if !slices.Contains([]string{".json", ".jsonl", ".ndjson"}, filepath.Ext(lower)) || strings.HasPrefix(lower, ".") {
		return "", false
	}
	if strings.HasPrefix(lower, "deleteditems") {
		return deleted, true
	}
	for _, k := range kinds {
		rest, ok := strings.CutPrefix(lower, strings.ToLower(string(k)))
		if ok && !(rest[0] >= 'a' && rest[0] <= 'z') {
			return k, true
		}
	}
	return "", false
}

// read gives the text of one object.
func (f *folder) read(p place) ([]byte, error) {
	text := make([]byte, p.size)
	if _, err := f.open[p.file].ReadAt(text, p.at); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.names[p.file], err)
	}
	return text, nil
}

// where names an object's place for people.
func (f *folder) where(p place) string {
	line := 1
	file := io.NewSectionReader(f.open[p.file], 0, p.at)
	buffer := make([]byte, 1<<16)
	for {
		n, err := file.Read(buffer)
		line += bytes.Count(buffer[:n], []byte("\n"))
		if err != nil {
			break
		}
	}
	return fmt.Sprintf("%s line %d", filepath.Join(f.dir, f.names[p.file]), line)
}

// damaged is an error of a file's form.
func (f *folder) damaged(p place, text string, err error) error {
	return &canopy.Error{Kind: canopy.Invalid, Object: f.where(p), Text: text,
		Next: "give JSON as Microsoft Graph does: a page with a value list, a list, or an object a line", Err: err}
}

// each calls fn for every object of a kind, file by file in the order of their names.
func (f *folder) each(k kind, fn func(place, []byte) error) error {
	for _, at := range f.files[k] {
		file := f.open[at]
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		r := bufio.NewReaderSize(file, 1<<20)
		skip, err := f.mark(r, at)
		if err != nil {
			return err
		}
		e := &elements{folder: f, file: at, skip: skip, dec: json.NewDecoder(r), fn: fn}
		if filepath.Ext(strings.ToLower(f.names[at])) == ".json" {
			err = e.all()
		} else {
			err = e.lines()
		}
		if err != nil {
			return err
		}
		f.unfinished[k] = e.more
	}
	return nil
}

// mark skips the mark that some programs begin a file with.
func (f *folder) mark(r *bufio.Reader, at int32) (int64, error) {
	begin, _ := r.Peek(3)
	switch {
	case bytes.HasPrefix(begin, []byte("\xef\xbb\xbf")):
		_, err := r.Discard(3)
		return 3, err
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return 0, &canopy.Error{Kind: canopy.Invalid, Object: filepath.Join(f.dir, f.names[at]), Text: "the file is UTF-16",
			Next: "write it as UTF-8: PowerShell does with Out-File -Encoding utf8"}
	}
	return 0, nil
}

// elements walks through the objects of one file.
type elements struct {
	folder *folder
	file   int32
	skip   int64
	dec    *json.Decoder
	fn     func(place, []byte) error
	more   bool // the last page has a link to the next
}

func (e *elements) here() int64 { return e.skip + e.dec.InputOffset() }

func (e *elements) all() error {
	for {
		t, err := e.dec.Token()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return e.broken(err)
		}
		switch t {
		case json.Delim('['):
			err = e.list()
		case json.Delim('{'):
			err = e.page()
		default:
			err = e.broken(fmt.Errorf("%v stands where an object is expected", t))
		}
		if err != nil {
			return err
		}
	}
}

// lines walks through a file of objects one after the other, which may be pages.
func (e *elements) lines() error {
	for {
		var raw json.RawMessage
		err := e.dec.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return e.broken(err)
		}
		at := e.here() - int64(len(raw))
		if !bytes.Contains(raw[:min(len(raw), 2000)], []byte(`"value":`)) {
			if err := e.one(at, raw); err != nil {
				return err
			}
			continue
		}
		within := &elements{folder: e.folder, file: e.file, skip: at, dec: json.NewDecoder(bytes.NewReader(raw)), fn: e.fn}
		if err := within.all(); err != nil {
			return err
		}
		e.more = within.more
	}
}

func (e *elements) broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("it ends too early")
	}
	return e.folder.damaged(place{file: e.file, at: e.here() + 1}, "the file is not as expected: "+err.Error(), err)
}

// list walks through the objects up to the closing bracket.
func (e *elements) list() error {
	for e.dec.More() {
		var raw json.RawMessage
		if err := e.dec.Decode(&raw); err != nil {
			return e.broken(err)
		}
		if err := e.one(e.here()-int64(len(raw)), raw); err != nil {
			return err
		}
	}
	if _, err := e.dec.Token(); err != nil {
		return e.broken(err)
	}
	return nil
}

func (e *elements) one(at int64, raw []byte) error {
	p := place{file: e.file, at: at, size: int32(len(raw))}
	if len(raw) == 0 || raw[0] != '{' || int64(p.size) != int64(len(raw)) {
		return e.folder.damaged(p, "there is no object", nil)
	}
	return e.fn(p, raw)
}

// page takes an object whose brace was read: a page with a list in value, or an object of its own.
func (e *elements) page() error {
	begin := e.here() - 1
	listed, more := false, false
	for e.dec.More() {
		name, err := e.dec.Token()
		if err != nil {
			return e.broken(err)
		}
		if name == "value" {
			if t, err := e.dec.Token(); err != nil || t != json.Delim('[') {
				return e.broken(fmt.Errorf("value is no list: %v", cmp.Or(err, fmt.Errorf("%v", t))))
			}
			if err := e.list(); err != nil {
				return err
			}
			listed = true
			continue
		}
		var raw json.RawMessage
		if err := e.dec.Decode(&raw); err != nil {
			return e.broken(err)
		}
		more = more || name == "@odata.nextLink"
	}
	if _, err := e.dec.Token(); err != nil {
		return e.broken(err)
	}
	e.more = more
	if listed {
		return nil
	}
	p := place{file: e.file, at: begin, size: int32(e.here() - begin)}
	raw, err := e.folder.read(p)
	if err != nil {
		return err
	}
	return e.one(begin, raw)
}
