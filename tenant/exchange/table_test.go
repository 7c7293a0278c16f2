package exchange

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDocumentedTable: the manual shows the rows of the table, in their order.
func TestDocumentedTable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/tenant.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown [][2]string
	for _, hit := range regexp.MustCompile(`(?m)^\| ([DE][0-9]+b?) \| (.*?) \| [a-zA-Z].* \|$`).FindAllStringSubmatch(string(text), -1) {
		shown = append(shown, [2]string{hit[1], hit[2]})
	}
	if diff := cmp.Diff(Rows(), shown); diff != "" {
		t.Errorf("docs/tenant.md (-the table +the manual):\n%s", diff)
	}
}
