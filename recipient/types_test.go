package recipient

import (
	"testing"
)

// TestGUIDs are the vectors of source anchors and mailbox GUIDs, in every form.
func TestGUIDs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ base64, octets, text string }{
		{"IkTni9mw7Ee4YefeGpz7IA==", "2244e78bd9b0ec47b861e7de1a9cfb20", "8be74422-b0d9-47ec-b861-e7de1a9cfb20"},
		{"XSLPV65jKEqTyWafMqX8LA==", "5d22cf57ae63284a93c9669f32a5fc2c", "57cf225d-63ae-4a28-93c9-669f32a5fc2c"},
		{"YcQouGWUS0Ww3XyDegtu6g==", "61c428b865944b45b0dd7c837a0b6eea", "b828c461-9465-454b-b0dd-7c837a0b6eea"},
		{"LspMdPCr8k2xp6yXApVuqA==", "2eca4c74f0abf24db1a7ac9702956ea8", "744cca2e-abf0-4df2-b1a7-ac9702956ea8"},
		{"MyIRAFVEd2aImaq7zN3u/w==", "33221100554477668899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"},
		{"qUcA8tE/BkmNmBiP6s3Vtw==", "a94700f2d13f06498d98188feacdd5b7", "f20047a9-3fd1-4906-8d98-188feacdd5b7"},
		{"lBpOBpkxp0mcszzjQSQk1g==", "941a4e069931a7499cb33ce3412424d6", "064e1a94-3199-49a7-9cb3-3ce3412424d6"},
		{"SjBYnoDtakGOrPLnaQVuUg==", "4a30589e80ed6a418eacf2e769056e52", "9e58304a-ed80-416a-8eac-f2e769056e52"},
		{"U5jYFz7ss0ub+KfQIoGPsA==", "5398d8173eecb34b9bf8a7d022818fb0", "17d89853-ec3e-4bb3-9bf8-a7d022818fb0"},
		{"TnbJA46LM0+U0e8JjE3mVg==", "4e76c9038e8b334f94d1ef098c4de656", "03c9764e-8b8e-4f33-94d1-ef098c4de656"},
	} {
		for _, form := range []string{c.base64, c.octets, c.text, "{" + c.text + "}", "objectGUID:: " + c.base64} {
			g, err := ParseGUID(form)
			if err != nil {
				t.Errorf("%s: %v", form, err)
				continue
			}
			if g.String() != c.text || g.Base64() != c.base64 || g.Octets() != c.octets {
				t.Errorf("%s: got %s %s %s, want %s %s %s", form, g, g.Base64(), g.Octets(), c.text, c.base64, c.octets)
			}
			if back, err := ParseGUID(g.Filter()); err != nil || back != g {
				t.Errorf("%s: got %s back from %s, %v", form, back, g.Filter(), err)
			}
		}
	}
	for _, bad := range []string{"", "x", "8be74422-b0d9-47ec-b861", "IkTni9mw7Ee4YefeGpz7IA", "2244e78bd9b0ec47b861e7de1a9cfb2z"} {
		if g, err := ParseGUID(bad); err == nil {
			t.Errorf("%q: got %s, want an error", bad, g)
		}
	}
}

func FuzzParseGUID(f *testing.F) {
	f.Add("8be74422-b0d9-47ec-b861-e7de1a9cfb20")
	f.Add("IkTni9mw7Ee4YefeGpz7IA==")
	f.Add(`\22\44`)
	f.Fuzz(func(t *testing.T, s string) {
		g, err := ParseGUID(s)
		if err != nil {
			return
		}
		for _, form := range []string{g.String(), g.Base64(), g.Octets(), g.Filter()} {
			if back, err := ParseGUID(form); err != nil || back != g {
				t.Errorf("%q: %s gives %s, %v", s, form, back, err)
			}
		}
	})
}

func TestDetails(t *testing.T) {
	t.Parallel()
	for value, want := range map[Details]string{0: "None", 1: "UserMailbox", 4: "SharedMailbox", 64: "MailContact", 128: "MailUser",
		65536: "User", 2097152: "DisabledUser", 33554432: "LinkedUser", 268435456: "RoomList", 2147483648: "RemoteUserMailbox",
		8589934592: "RemoteRoomMailbox", 34359738368: "RemoteSharedMailbox", 35184372088832: "GuestMailUser",
		140737488355328: "SupervisoryReviewPolicyMailbox", 67108864: "67108864", 3: "3"} {
		if got := value.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(value), got, want)
		}
		if back, err := ParseDetails(value.String()); err != nil || back != value {
			t.Errorf("%s: got %d, %v, want %d", want, int64(back), err, int64(value))
		}
	}
	for value, want := range map[Details]string{UserMailbox: "UserMailbox", RoomMailbox: "UserMailbox", RemoteSharedMailbox: "MailUser",
		MailUser: "MailUser", User: "User", DisabledUser: "User", MailContact: "MailContact", DistributionGroup: "MailUniversalDistributionGroup"} {
		if got := value.Type(); got != want {
			t.Errorf("%s: got type %s, want %s", value, got, want)
		}
	}
}

func TestDisplay(t *testing.T) {
	t.Parallel()
	for value, want := range map[Display]string{0: "MailboxUser", 1073741824: "ACLableMailboxUser", -2147483642: "SyncedMailboxUser",
		-1073739511: "SyncedUSGasUSG", -2147483640: "local EquipmentMailbox, at home MailboxUser",
		-1073741560: "local EquipmentMailbox, at home DistributionGroup, may be given rights"} {
		if got := value.String(); got != want {
			t.Errorf("%d: got %q, want %q", value, got, want)
		}
	}
	// Every published value is made of its parts.
	for value := range displayNames {
		local, home, acl := value.Parts()
		made := Display(local)
		if value < 0 {
			made |= displayRemote | Display(home)<<8
		}
		if acl {
			made |= displayACL
		}
		if made != value {
			t.Errorf("%d: its parts make %d", value, made)
		}
	}
}

func TestRemote(t *testing.T) {
	t.Parallel()
	for value, want := range map[Remote]string{0: "None", 1: "ProvisionMailbox", 3: "ProvisionMailbox, ProvisionArchive", 4: "Migrated",
		6: "ProvisionArchive, Migrated", 8: "DeprovisionMailbox", 20: "Migrated, DeprovisionArchive", 33: "ProvisionMailbox, RoomMailbox",
		68: "Migrated, EquipmentMailbox", 97: "ProvisionMailbox, SharedMailbox", 100: "Migrated, SharedMailbox", 256: "0x100"} {
		if got := value.String(); got != want {
			t.Errorf("%d: got %q, want %q", value, got, want)
		}
		if back, err := ParseRemote(value.String()); err != nil || back != value {
			t.Errorf("%s: got %d, %v, want %d", want, back, err, value)
		}
	}
	if _, err := ParseRemote("Provision"); err == nil {
		t.Error("a name that there is not was read")
	}
}

func TestCombinations(t *testing.T) {
	t.Parallel()
	for _, c := range Combinations() {
		for _, display := range c.Display {
			for _, remote := range c.Remote {
				if got, ok := CombinationOf(c.Details, display, remote); !ok || got.Name != c.Name {
					t.Errorf("%s %s %s: got %q, want %q", c.Details, display, remote, got.Name, c.Name)
				}
			}
		}
	}
	if c, ok := CombinationOf(UserMailbox, 0, 1); ok {
		t.Errorf("a forest's mailbox with a remote one: got %q, want none", c.Name)
	}
}
