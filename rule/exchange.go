package rule

import (
	_ "embed"
	"strings"

	"github.com/canopy-sync/canopy"
)

//go:embed exchange.txt
var exchangeText string

// ExchangeAttr is an attribute that is Exchange's, not the identity's.
type ExchangeAttr struct {
	Attr     canopy.Attr // the tenant's name
	Forest   canopy.Attr
	Property string // of Exchange Online; "": none that is known
	Back     bool   // the cloud may write it back into the forest
}

var exchangeAttrs = ExchangeAttrs()

// ExchangeAttrs are the attributes of the tenant that are Exchange's, by the tenant's names.
func ExchangeAttrs() map[canopy.Attr]ExchangeAttr {
	m := map[canopy.Attr]ExchangeAttr{}
	for line := range strings.Lines(exchangeText) {
		f := strings.Fields(line)
		if len(f) < 3 || strings.HasPrefix(line, "#") {
			continue
		}
		x := ExchangeAttr{Attr: canopy.Attr(f[0]), Forest: canopy.Attr(f[1]), Property: strings.TrimPrefix(f[2], "-"), Back: len(f) > 3}
		m[x.Attr] = x
	}
	return m
}

// OfExchange tells whether an attribute of the tenant is Exchange's.
func OfExchange(attr canopy.Attr) bool {
	_, ok := exchangeAttrs[attr]
	return ok
}
