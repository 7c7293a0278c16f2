package run

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
)

// administer is what an administrator of the tenant does, or what befalls the tenant.
func (w *world) administer(ctx context.Context, line string, b *block) {
	verb, rest, _ := strings.Cut(line, " ")
	a := w.tenant.Admin()
	var err error
	switch verb {
	case "create":
		class, name, _ := strings.Cut(rest, " ")
		attrs := w.cloudAttrs(ctx, b)
		attrs[canopy.AttrDisplayName] = canopy.Texts(name)
		_, err = a.Create(ctx, canopy.Class(class), attrs)
	case "switch":
		name, on, _ := strings.Cut(rest, " ")
		w.set.Switch = map[string]bool{name: on == "on"}
		w.switches(ctx)
	case "set":
		err = a.SetAttributes(ctx, w.cloud(ctx, rest, false), w.cloudAttrs(ctx, b))
	case "delete":
		err = a.Delete(ctx, w.cloud(ctx, rest, false))
	case "purge":
		err = a.HardDelete(ctx, w.cloud(ctx, rest, slices.Contains(w.deleted(ctx), rest)))
	case "restore":
		err = a.Restore(ctx, w.cloud(ctx, rest, true))
	case "role", "licence", "unrole":
		name, what, _ := strings.Cut(rest, ": ")
		err = map[string]func(context.Context, canopy.Anchor, string) error{"role": a.AssignRole, "unrole": a.RemoveRole,
			"licence": func(ctx context.Context, id canopy.Anchor, sku string) error {
				if o, err := a.Get(ctx, id); err != nil || o.Class != canopy.User {
					return errors.Join(err, a.AssignLicence(ctx, id, sku))
				}
				return errors.Join(a.SetAttributes(ctx, id, canopy.Attrs{"usageLocation": canopy.Texts("AT")}), a.AssignLicence(ctx, id, sku))
			}}[verb](ctx, w.cloud(ctx, name, false), what)
	case "member":
		group, member, _ := strings.Cut(rest, ": ")
		err = a.AddToGroup(ctx, w.cloud(ctx, group, false), w.cloud(ctx, member, false))
	case "unmember":
		group, member, _ := strings.Cut(rest, ": ")
		err = a.RemoveFromGroup(ctx, w.cloud(ctx, group, false), w.cloud(ctx, member, false))
	case "postpone":
		w.fails, err = strconv.Atoi(strings.TrimPrefix(rest, "every "))
	case "answer":
		w.fails = 0
	case "drop":
		w.set.Drop = append(w.set.Drop, canopy.Attr(rest))
		w.shut()
		w.open(ctx)
	case "keep":
		w.set.Drop = nil
		w.shut()
		w.open(ctx)
	default:
		known := false
		if known, err = w.exchangeVerb(ctx, verb, rest); !known {
			w.failf("the tenant knows no %q", verb)
		}
	}
	if err != nil {
		w.printf("tenant %s\n  refused: %v\n", line, err)
	}
}

// cloudAttrs are a block's values with the types of the tenant's schema.
func (w *world) cloudAttrs(ctx context.Context, b *block) canopy.Attrs {
	about, err := w.tenant.Door().Describe(ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	attrs := canopy.Attrs{}
	for _, v := range b.values() {
		x, err := canopy.ParseValue(about.Schema.Attributes[canopy.Attr(v.attr)].Type, v.text)
		if err != nil {
			w.failf("%s: %v", v.attr, err)
		}
		attrs[canopy.Attr(v.attr)] = append(attrs[canopy.Attr(v.attr)], x)
	}
	return attrs
}

// cloud finds an object of the tenant by its display name; "NAME #2" is the second of several.
func (w *world) cloud(ctx context.Context, name string, deleted bool) canopy.Anchor {
	name, nth, _ := strings.Cut(name, " #")
	var found []canopy.Anchor
	err := w.tenant.Admin().List(ctx, deleted, func(o *tenant.Object) error {
		if o.Attrs.Text(canopy.AttrDisplayName) == name {
			found = append(found, o.ID)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.Atoi(nth)
	switch {
	case nth == "" && len(found) == 1:
		return found[0]
	case err == nil && n >= 1 && n <= len(found):
		return found[n-1]
	}
	w.failf("the tenant has %d objects called %q", len(found), name)
	return ""
}

// deleted are the names of the deleted users.
func (w *world) deleted(ctx context.Context) []string {
	var names []string
	err := w.tenant.Admin().List(ctx, true, func(o *tenant.Object) error {
		names = append(names, o.Attrs.Text(canopy.AttrDisplayName))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}
