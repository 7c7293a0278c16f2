package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/rule/cloudsync"
	"github.com/canopy-sync/canopy/tenant"
)

// SchemaName is the file in the state directory that keeps the Cloud Sync schema which the rules were made of.
const SchemaName = "schema.json"

// SchemaTakeover is what a Cloud Sync schema becomes here.
type SchemaTakeover struct {
	Schema     *cloudsync.Schema
	Conversion *cloudsync.Conversion
}

// ReadSchema reads a schema; "" is the one that the state directory keeps.
func ReadSchema(dir, path string) (*cloudsync.Schema, error) {
	next := "name the file that synchronization/schema was saved to"
	if path == "" {
		path, next = filepath.Join(dir, SchemaName), "import one: canopy schema import FILE --write, or have one made of the rules in force: canopy schema export --active"
	}
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrInvalid
	}
	if err == nil && info.Size() > 64<<20 {
		return nil, &canopy.Error{Kind: canopy.Invalid, Code: "cloud-schema", Object: path, Text: fmt.Sprintf("the file has %d bytes, more than any schema", info.Size()), Next: next}
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &canopy.Error{Kind: canopy.NotFound, Code: "cloud-schema", Object: path, Text: "the schema cannot be read", Err: err, Next: next}
	}
	return cloudsync.Read(path, text)
}

// TakeSchema reads a schema and makes rules of it. It writes nothing.
func TakeSchema(dir, path string) (*SchemaTakeover, error) {
	s, err := ReadSchema(dir, path)
	if err != nil {
		return nil, err
	}
	c, err := cloudsync.Convert(s, tenant.Takes)
	if err != nil {
		return nil, err
	}
	return &SchemaTakeover{Schema: s, Conversion: c}, nil
}

// Write puts the rule files into the state directory, and the schema beside them. It is as Takeover.Write.
func (t *SchemaTakeover) Write(dir string, replace bool) ([]string, error) {
	lock, err := Lock(dir, "canopy schema import")
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	w, err := writeRules(dir, t.Conversion.Files, replace)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, SchemaName)
	if err := os.WriteFile(path+".new", t.Schema.Text(), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the schema: %w", err), w.undo())
	}
	if err := os.Rename(path+".new", path); err != nil {
		return nil, errors.Join(fmt.Errorf("keep the schema: %w", err), w.undo())
	}
	return w.written, nil
}
