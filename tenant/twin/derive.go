package twin

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/tenant"
	"github.com/canopy-sync/canopy/tenant/graphapi"
)

// deriver makes objects of the tenant of what Graph says of them.
type deriver struct {
	read    *graphapi.Reader
	initial string
	// left counts the properties that have no place, unknown the licences of products that the tenant does not know.
	left, unknown map[string]int
}

func newDeriver(initial string) *deriver {
	return &deriver{read: graphapi.NewReader(), initial: initial, left: map[string]int{}, unknown: map[string]int{}}
}

// shown are the properties of an object that are no attributes.
type shown struct {
	ID       string     `json:"id"`
	Created  *time.Time `json:"createdDateTime"`
	Synced   *bool      `json:"onPremisesSyncEnabled"`
	LastSync *time.Time `json:"onPremisesLastSyncDateTime"`
	Deleted  *time.Time `json:"deletedDateTime"`
	Errors   []struct {
		Property string    `json:"propertyCausingError"`
		Value    string    `json:"value"`
		Occurred time.Time `json:"occurredDateTime"`
	} `json:"onPremisesProvisioningErrors"`
	Assigned []assignedLicence `json:"assignedLicenses"`
	States   *[]licenceState   `json:"licenseAssignmentStates"`
}

type assignedLicence struct {
	SKU string   `json:"skuId"`
	Off []string `json:"disabledPlans"`
}

type licenceState struct {
	assignedLicence
	Group   *string    `json:"assignedByGroup"`
	State   string     `json:"state"`
	Error   string     `json:"error"`
	Updated *time.Time `json:"lastUpdatedDateTime"`
}

// object is what Graph's JSON of an object comes to. managed says that the cloud was given what came from a forest; held are
// the roles that it has.
func (d *deriver) object(class canopy.Class, text []byte, managed bool, held []string) (*tenant.Whole, error) {
	var properties map[string]json.RawMessage
	var s shown
	if err := json.Unmarshal(text, &properties); err != nil {
		return nil, &canopy.Error{Kind: canopy.Invalid, Text: "the object cannot be read: " + err.Error(), Err: err}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, misfit(err)
	}
	attrs, left, err := d.read.Attributes(class, properties)
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		d.left[string(class)+" "+name]++
	}
	w := &tenant.Whole{ID: canopy.Anchor(strings.ToLower(s.ID)), Class: class, Own: attrs, Kept: canopy.Attrs{}, Master: tenant.MasterCloud, Roles: held,
		Made: given(s.Created), Deleted: given(s.Deleted)}
	switch {
	case s.Synced != nil && *s.Synced:
		w.Master = tenant.MasterForest
	case managed:
		w.Master = tenant.MasterConverted
	}
	if w.Changed = w.Made; w.Master == tenant.MasterForest && s.LastSync != nil {
		w.Changed = given(s.LastSync)
	}
	if !w.Deleted.IsZero() { // a deleted user's name has its id before it
		name := attrs.Text(canopy.AttrUPN)
		if prefix := strings.ReplaceAll(string(w.ID), "-", ""); len(name) > len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			attrs[canopy.AttrUPN] = canopy.Texts(name[len(prefix):])
		}
	}
	w.Anchor = attrs.Text(canopy.AttrSourceAnchor)
	var withheld []tenant.ProvisioningError
	for _, e := range s.Errors {
		withheld = append(withheld, tenant.ProvisioningError{Property: e.Property, Value: e.Value, Occurred: e.Occurred})
	}
	w.Compute(d.initial, withheld)
	w.Licences = d.licences(class, &s)
	return w, nil
}

func given(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// misfit is an error of JSON as one that names the property.
func misfit(err error) error {
	out := &canopy.Error{Kind: canopy.Invalid, Text: "the value does not fit the property: " + err.Error(), Err: err}
	if e, ok := err.(*json.UnmarshalTypeError); ok { //nolint:errorlint // json gives it as it is
		out.Attr = canopy.Attr(e.Field)
	}
	return out
}

// licences are what the states say of a user's licences, or what is assigned when there are none; of a group what it gives.
func (d *deriver) licences(class canopy.Class, s *shown) []tenant.WholeLicence {
	var out []tenant.WholeLicence
	add := func(a assignedLicence, group, state string, since time.Time) {
		sku, known := tenant.FindSKU(a.SKU)
		if !known {
			d.unknown[a.SKU]++
			return
		}
		l := tenant.WholeLicence{SKU: sku.PartNumber, Group: canopy.Anchor(strings.ToLower(group)), State: state, Since: since}
		for _, id := range a.Off {
			if p, ok := tenant.FindPlan(id); ok {
				l.Off = append(l.Off, p.Name)
			}
		}
		slices.Sort(l.Off)
		if !slices.ContainsFunc(out, func(o tenant.WholeLicence) bool { return o.SKU == l.SKU && o.Group == l.Group }) {
			out = append(out, l)
		}
	}
	switch {
	case class == canopy.Group:
		for _, a := range s.Assigned {
			add(a, "", "group", time.Time{})
		}
	case s.States == nil:
		for _, a := range s.Assigned {
			add(a, "", "active", time.Time{})
		}
	default:
		for _, l := range *s.States {
			group := ""
			if l.Group != nil {
				group = *l.Group
			}
			add(l.assignedLicence, group, stateOf(l), given(l.Updated))
		}
	}
	return out
}

func stateOf(l licenceState) string {
	switch l.State {
	case "Active", "ActiveWithError":
		return "active"
	case "Disabled":
		return "away"
	}
	if l.Error == "" || l.Error == "None" {
		return "Other"
	}
	return l.Error
}

// counts are what was counted, by name.
func counts(m map[string]int) []Count {
	var out []Count
	for _, name := range slices.Sorted(maps.Keys(m)) {
		out = append(out, Count{name, m[name]})
	}
	return out
}
