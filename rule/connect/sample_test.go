package connect

import (
	"fmt"
	"html"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	forestID = "11111111-2222-3333-4444-555555555555"
	cloudID  = "b891884f-051e-4a83-95af-2544101c9083"
)

// The files of a small export in the form that servers write.
const forestXML = `<ma-data>
  <format-version>1</format-version>
  <id>{11111111-2222-3333-4444-555555555555}</id>
  <name>example.lab</name>
  <category>AD</category>
  <subtype></subtype>
  <schema><dsml xmlns="http://www.dsml.org/DSML" xmlns:m="http://www.microsoft.com/MMS/DSML"><directory-schema>
    <attribute-type id="A1" single-value="true"><name>favouriteDrink</name><syntax>1.3.6.1.4.1.1466.115.121.1.15</syntax></attribute-type>
    <attribute-type id="A2"><name>favouriteColleague</name><syntax>1.3.6.1.4.1.1466.115.121.1.12</syntax></attribute-type>
    <attribute-type id="A3" single-value="true"><name>isFamous</name><syntax>1.3.6.1.4.1.1466.115.121.1.7</syntax></attribute-type>
  </directory-schema></dsml></schema>
  <private-configuration><adma-configuration>
    <forest-name>example.lab</forest-name><forest-login-user>reader</forest-login-user>
    <password-hash-sync-config><enabled>1</enabled></password-hash-sync-config>
    <parameter-values>
      <parameter name="Connector.GroupFilteringGroupDn" type="string" use="global" dataType="String">CN=Pilot,OU=Groups,DC=example,DC=lab</parameter>
      <parameter name="Site.Code" type="string" use="global" dataType="String">EX1</parameter>
      <parameter name="password" type="encrypted-string" use="connectivity" dataType="String" encrypted="1" />
    </parameter-values>
  </adma-configuration></private-configuration>
  <attribute-inclusion><attribute>cn</attribute><attribute>mail</attribute></attribute-inclusion>
  <ma-partition-data>
    <partition>
      <id>{99999999-2222-3333-4444-555555555555}</id><name>DC=example,DC=lab</name><selected>1</selected>
      <filter><object-classes><object-class>user</object-class><object-class>group</object-class></object-classes>
        <containers><exclusions><exclusion>DC=example,DC=lab</exclusion><exclusion>OU=Old,OU=Staff,DC=example,DC=lab</exclusion></exclusions>
          <inclusions><inclusion>OU=Staff,DC=example,DC=lab</inclusion></inclusions></containers></filter>
      <parameter-values><parameter name="Domain.FQDN" type="string" use="partition" dataType="String" intrinsic="1">example.lab</parameter></parameter-values>
    </partition>
    <partition><name>DC=other,DC=example,DC=lab</name><selected>0</selected></partition>
  </ma-partition-data>
  <ma-run-data><run-configuration><name>Full Import</name></run-configuration></ma-run-data>
</ma-data>`

const cloudXML = `<ma-data><id>{B891884F-051E-4A83-95AF-2544101C9083}</id><name>example.onmicrosoft.com - AAD</name><category>Extensible2</category>
  <subtype>Windows Azure Active Directory (Microsoft)</subtype></ma-data>`

const metaverseXML = `<saved-mv-configuration server="SYNC1" export-date="2026-05-04 10:00:00">
  <mv-data><format-version>1</format-version>
    <schema><dsml xmlns="http://www.dsml.org/DSML"><directory-schema>
      <attribute-type id="M1"><name>isFamous</name><syntax>1.3.6.1.4.1.1466.115.121.1.7</syntax></attribute-type></directory-schema></dsml></schema>
    <parameter-values>
      <parameter name="Microsoft.OptionalFeature.ExportDeletionThreshold" type="string">True</parameter>
      <parameter name="Microsoft.OptionalFeature.ExportDeletionThresholdValue" type="string">250</parameter>
      <parameter name="Microsoft.OptionalFeature.PasswordHashSync" type="string">True</parameter>
      <parameter name="Microsoft.OptionalFeature.GroupWriteBack" type="string">False</parameter>
      <parameter name="Microsoft.SynchronizationOption.AnchorAttribute" type="string">mS-DS-ConsistencyGuid</parameter>
      <parameter name="Example.Unheard" type="string">x</parameter>
      <parameter name="Microsoft.UserWriteBack.Forest" type="string"></parameter>
    </parameter-values></mv-data>
</saved-mv-configuration>`

// xmlOf writes a rule in the form of the export's folder.
func xmlOf(r *Rule) string {
	var b strings.Builder
	e := func(name, value string) { fmt.Fprintf(&b, "<%s>%s</%s>\n", name, html.EscapeString(value), name) }
	b.WriteString("<synchronizationRule>\n")
	e("id", "{"+r.ID+"}")
	e("version", "1")
	e("name", r.Name)
	e("description", r.Description)
	e("immutable-tag", r.Tag)
	e("direction", map[bool]string{true: "Inbound", false: "Outbound"}[r.Inbound])
	e("disabled", title(r.Disabled))
	e("connector", "{"+r.Connector+"}")
	e("sourceObjectType", r.Source)
	e("targetObjectType", r.Target)
	e("linkType", r.Link)
	e("precedence", fmt.Sprint(r.Precedence))
	e("softDeleteExpiryInterval", "00:00:00")
	e("EnablePasswordSync", fmt.Sprint(r.PasswordSync))
	b.WriteString("<attribute-mappings>")
	for _, f := range r.Flows {
		fmt.Fprintf(&b, "<mapping%s>", map[bool]string{true: ` execute-once="true"`}[f.Once])
		e("dest", f.To)
		switch f.Kind {
		case Constant:
			e("src", f.Text)
		case Direct, Expression:
			b.WriteString("<src>")
			for _, a := range f.From {
				e("attr", a)
			}
			b.WriteString("</src>")
		}
		if f.Kind == Expression {
			e("expression", f.Text)
		}
		e("valueMergeType", f.Merge)
		b.WriteString("</mapping>\n")
	}
	b.WriteString("</attribute-mappings><relationshipCriteria>")
	for _, g := range r.Join {
		b.WriteString("<conditions>")
		for _, j := range g {
			b.WriteString("<condition>")
			e("csAttribute", j.Source)
			e("ilmAttribute", j.Target)
			if j.CaseSensitive {
				e("caseSensitive", "True")
			}
			b.WriteString("</condition>")
		}
		b.WriteString("</conditions>")
	}
	b.WriteString("</relationshipCriteria><synchronizationCriteria>")
	for _, g := range r.Scope {
		b.WriteString("<conditions>")
		for _, s := range g {
			b.WriteString("<scope>")
			e("csAttribute", s.Attr)
			e("csOperator", s.Operator)
			e("csValue", s.Value)
			b.WriteString("</scope>")
		}
		b.WriteString("</conditions>")
	}
	b.WriteString("</synchronizationCriteria></synchronizationRule>")
	return b.String()
}

func title(v bool) string { return map[bool]string{true: "True", false: "False"}[v] }

// scriptOf writes a rule in the form of the rule editor.
func scriptOf(r *Rule) string {
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, " `\n") + "\n\n") }
	words := []string{"New-ADSyncRule ", "-Name " + q(r.Name), "-Identifier " + q(r.ID), "-Description " + q(r.Description), "-Direction " + q(map[bool]string{true: "Inbound", false: "Outbound"}[r.Inbound]),
		fmt.Sprintf("-Precedence %d", r.Precedence), "-PrecedenceAfter '00000000-0000-0000-0000-000000000000'", "-SourceObjectType " + q(r.Source), "-TargetObjectType " + q(r.Target),
		"-Connector " + q(r.Connector), "-LinkType " + q(r.Link), "-SoftDeleteExpiryInterval 0", "-ImmutableTag " + q(r.Tag)}
	if r.Disabled {
		words = append(words, "-Disabled ")
	}
	if r.PasswordSync {
		words = append(words, "-EnablePasswordSync")
	}
	line(append(words, "-OutVariable syncRule")...)
	for _, f := range r.Flows {
		words := []string{"Add-ADSyncAttributeFlowMapping ", "-SynchronizationRule $syncRule[0]"}
		var from []string
		for _, a := range f.From {
			from = append(from, q(a))
		}
		if f.Kind == Constant {
			from = []string{q(f.Text)}
		}
		if len(from) > 0 {
			words = append(words, "-Source @("+strings.Join(from, ",")+")")
		}
		words = append(words, "-Destination "+q(f.To), "-FlowType "+q(string(f.Kind)), "-ValueMergeType "+q(f.Merge))
		if f.Kind == Expression {
			words = append(words, "-Expression "+q(f.Text))
		}
		if f.Once {
			words = append(words, "-ExecuteOnce")
		}
		line(append(words, "-OutVariable syncRule")...)
	}
	for _, g := range r.Scope {
		var names []string
		for i, s := range g {
			line("New-Object ", "-TypeName 'Microsoft.IdentityManagement.PowerShell.ObjectModel.ScopeCondition'", "-ArgumentList "+q(s.Attr)+","+q(s.Value)+","+q(s.Operator), fmt.Sprintf("-OutVariable condition%d", i))
			names = append(names, fmt.Sprintf("$condition%d[0]", i))
		}
		line("Add-ADSyncScopeConditionGroup ", "-SynchronizationRule $syncRule[0]", "-ScopeConditions @("+strings.Join(names, ",")+")", "-OutVariable syncRule")
	}
	for _, g := range r.Join {
		var names []string
		for i, j := range g {
			line("New-Object ", "-TypeName 'Microsoft.IdentityManagement.PowerShell.ObjectModel.JoinCondition'", fmt.Sprintf("-ArgumentList %s,%s,$%v", q(j.Source), q(j.Target), j.CaseSensitive), fmt.Sprintf("-OutVariable condition%d | Out-Null", i))
			names = append(names, fmt.Sprintf("$condition%d[0]", i))
		}
		line("Add-ADSyncJoinConditionGroup ", "-SynchronizationRule $syncRule[0]", "-JoinConditions @("+strings.Join(names, ",")+")", "-OutVariable syncRule")
	}
	line("Add-ADSyncRule ", "-SynchronizationRule $syncRule[0]")
	line("Get-ADSyncRule ", "-Identifier "+q(r.ID))
	return b.String()
}

// tree is an export of these files, by name.
func tree(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

// export is the small export with these rules.
func export(rules ...Rule) fs.FS {
	files := map[string]string{"Connectors/Connector_{1}.xml": forestXML, "Connectors/Connector_{2}.xml": cloudXML, "GlobalSettings/MV.xml": metaverseXML}
	for i := range rules {
		files[fmt.Sprintf("SynchronizationRules/SynchronizationRule_{%d}.xml", i)] = xmlOf(&rules[i])
	}
	return tree(files)
}

func read(t *testing.T, f fs.FS) *Export {
	t.Helper()
	e, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// in is an inbound rule of the forest, changed.
func in(change func(*Rule)) Rule {
	r := Rule{ID: "a0000000-0000-0000-0000-000000000001", Name: "In from AD - User Join", Inbound: true, Connector: forestID, Source: "user", Target: "person", Link: "Provision", Precedence: 50,
		Flows: []Flow{{Kind: Direct, To: "cn", From: []string{"cn"}, Merge: "Update"}}}
	change(&r)
	return r
}

// out is an outbound rule of the cloud, changed.
func out(change func(*Rule)) Rule {
	r := Rule{ID: "a0000000-0000-0000-0000-000000000002", Name: "Out to AAD - User Join", Connector: cloudID, Source: "person", Target: "user", Link: "Provision", Precedence: 60,
		Flows: []Flow{{Kind: Direct, To: "displayName", From: []string{"cn"}, Merge: "Update"}}}
	change(&r)
	return r
}
