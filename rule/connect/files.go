package connect

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/canopy-sync/canopy"
)

// The folders of an export, by folded name.
const (
	connectorsDir = "connectors"
	settingsDir   = "globalsettings"
	rulesDir      = "synchronizationrules"
)

func fold(s string) string { return canopy.Fold(s) }

// guid is a GUID as identities are compared: lower case, without braces.
func guid(s string) string { return strings.Trim(strings.ToLower(strings.TrimSpace(s)), "{}") }

// Read reads an export: its folder, the folder above it, a folder of script files, or script files beside the rest. An
// error names file and line.
func Read(from fs.FS) (*Export, error) {
	r := &reader{fs: from, e: &Export{}}
	base, err := r.base()
	if err != nil {
		return nil, err
	}
	if err := r.dir(base, true); err != nil {
		return nil, err
	}
	if len(r.e.Rules)+len(r.e.Connectors) == 0 {
		return nil, invalid(base, "nothing of a Connect Sync export is here: no connector, no rule, no script", "name the folder that has Connectors, GlobalSettings and SynchronizationRules in it")
	}
	slices.SortStableFunc(r.e.Rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(a.Precedence, b.Precedence), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	slices.SortStableFunc(r.e.Connectors, func(a, b Connector) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return r.e, r.twice()
}

// reader reads one export.
type reader struct {
	fs    fs.FS
	e     *Export
	files int
	bytes int64
}

// base is the export's own folder: this one, or the only one below that has the three in it.
func (r *reader) base() (string, error) {
	if r.is(".") {
		return ".", nil
	}
	entries, err := fs.ReadDir(r.fs, ".")
	if err != nil {
		return "", &canopy.Error{Kind: canopy.Invalid, Code: "connect-export", Object: ".", Text: "the folder cannot be listed", Err: err, Next: "name a folder that you may read"}
	}
	var found []string
	for _, e := range entries {
		if e.IsDir() && r.is(e.Name()) {
			found = append(found, e.Name())
		}
	}
	switch len(found) {
	case 0:
		return ".", nil
	case 1:
		return found[0], nil
	}
	return "", invalid(".", "several exports are here: %s", "name one of them", strings.Join(found, ", "))
}

// is tells whether a folder has one of the three folders of an export in it.
func (r *reader) is(dir string) bool {
	entries, err := fs.ReadDir(r.fs, dir)
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return e.IsDir() && slices.Contains([]string{connectorsDir, settingsDir, rulesDir}, fold(e.Name()))
	})
}

// dir reads the files of a folder; top says that the export's folders may be in it.
func (r *reader) dir(dir string, top bool) error {
	entries, err := fs.ReadDir(r.fs, dir)
	if err != nil {
		return &canopy.Error{Kind: canopy.Invalid, Code: "connect-export", Object: dir, Text: "the folder cannot be listed", Err: err, Next: "name a folder that you may read"}
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch ext := fold(path.Ext(e.Name())); {
		case e.IsDir():
			if top && slices.Contains([]string{connectorsDir, settingsDir, rulesDir}, fold(e.Name())) {
				if err := r.dir(name, false); err != nil {
					return err
				}
			}
		case ext == ".xml" && !top, ext == ".ps1", ext == ".txt" && !top:
			if err := r.file(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// load gives a file's bytes, within the bounds.
func (r *reader) load(name string) ([]byte, error) {
	if r.files++; r.files > maxFiles {
		return nil, invalid(name, "the export has more than %d files", "name the export's own folder", maxFiles)
	}
	info, err := fs.Stat(r.fs, name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, invalid(name, "it is no file", "take it out of the folder")
	}
	if r.bytes += info.Size(); info.Size() > maxFile || r.bytes > maxTotal {
		return nil, invalid(name, "the file has %d bytes; at most %d are taken, and %d of all files", "name the export's own folder", info.Size(), maxFile, maxTotal)
	}
	raw, err := fs.ReadFile(r.fs, name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	return raw, nil
}

func unreadable(name string, err error) error {
	return &canopy.Error{Kind: canopy.Invalid, Code: "connect-export", Object: name, Text: "the file cannot be read", Err: err,
		Next: "let this account read it; a link out of the folder is not followed"}
}

// file reads one file by what its root says, wherever it lies.
func (r *reader) file(name string) error {
	raw, err := r.load(name)
	if err != nil {
		return err
	}
	if fold(path.Ext(name)) != ".xml" {
		return r.script(name, raw)
	}
	root, err := parse(name, raw)
	if err != nil {
		return err
	}
	switch root.name {
	case "synchronizationRule":
		err = r.rule(root)
	case "ma-data":
		err = r.connector(root)
	case "saved-mv-configuration":
		err = r.metaverse(root)
	default:
		return invalid(root.place(), "<%s> is neither a connector (ma-data), nor the metaverse (saved-mv-configuration), nor a rule (synchronizationRule)", "take the file out of the folder", root.name)
	}
	r.e.Unknown = root.unknowns(root.name, r.e.Unknown)
	return err
}

// twice finds what is there twice: two exports in one folder.
func (r *reader) twice() error {
	var errs []error
	at := map[string]string{}
	note := func(kind, id, place string) {
		if other, ok := at[kind+id]; ok && id != "" {
			errs = append(errs, invalid(place, "the %s %s is in %s as well", "take one of the two files away", kind, id, other))
		}
		at[kind+id] = place
	}
	for i := range r.e.Rules {
		note("rule", r.e.Rules[i].ID, r.e.Rules[i].Place)
	}
	for i := range r.e.Connectors {
		note("connector", r.e.Connectors[i].ID, r.e.Connectors[i].Place)
	}
	return errors.Join(errs...)
}
