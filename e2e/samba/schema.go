package samba

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
)

//go:embed testdata/exchange-schema.ldif
var exchangeSchema string

// AddExchangeSchema adds the Exchange attributes to the schema of a domain that has none, with the controller stopped
// or running. What the schema has already stays as it is.
func (d *DC) AddExchangeSchema(ctx context.Context) error {
	base := "CN=Schema,CN=Configuration," + d.Base()
	out, err := d.Tool(ctx, "ldbsearch", "-H", d.Sam(), "-b", base,
		"(|(objectClass=attributeSchema)(objectClass=classSchema))", "lDAPDisplayName")
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	have := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "lDAPDisplayName: "); ok {
			have[strings.ToLower(strings.TrimSpace(name))] = true
		}
	}
	for _, phase := range schemaPhases(strings.ReplaceAll(exchangeSchema, "${SCHEMADN}", base), have) {
		// Each phase builds on the one before, so the schema must be taken in between.
		for _, ldif := range []string{phase, "dn:\nchangetype: modify\nadd: schemaUpdateNow\nschemaUpdateNow: 1\n"} {
			if _, err := d.tool(ctx, []byte(ldif), "ldbmodify", "-H", d.Sam(), "--option=dsdb:schema update allowed=true"); err != nil {
				return fmt.Errorf("add the Exchange schema: %w", err)
			}
		}
	}
	return nil
}

// schemaPhases parts the text at its #-- lines and leaves out what is there already. Where all of it is, nothing remains.
func schemaPhases(text string, have map[string]bool) (phases []string) {
	added := false
	for _, part := range strings.Split(text, "\n#-- ")[1:] {
		_, body, _ := strings.Cut(part, "\n")
		var keep []string
		for _, record := range strings.Split(body, "\n\n") {
			_, name, isNew := strings.Cut(record, "\nlDAPDisplayName: ")
			name, _, _ = strings.Cut(name, "\n")
			if isNew && have[strings.ToLower(name)] {
				continue
			}
			added = added || isNew
			keep = append(keep, record)
		}
		phases = append(phases, strings.Join(keep, "\n\n"))
	}
	if !added {
		return nil
	}
	return phases
}
