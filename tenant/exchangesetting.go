package tenant

import (
	"context"
	"fmt"
	"time"

	"github.com/canopy-sync/canopy"
)

// Period is a duration that settings write as text.
type Period time.Duration

// MarshalText gives "30s".
func (p Period) MarshalText() ([]byte, error) { return []byte(time.Duration(p).String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (p *Period) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*p = Period(d)
	return err
}

// ExchangeSettings are the switches of the Exchange half.
type ExchangeSettings struct {
	// ForwardDelay is how long a change of the directory is on its way to Exchange.
	ForwardDelay Period `json:"forwardDelay"`
	// MoveDuration is how long copying a mailbox takes, and completing its move.
	MoveDuration Period `json:"moveDuration"`
	// PreviousBug gives who had a mailbox before a new one with the licence, whatever GUID was synchronised: as it was
	// observed. Off, the synchronised GUID wins: as it should be.
	PreviousBug bool `json:"legacyPrevBug"`
	// ProvisionUnlicensed makes provisioned remote mailboxes before their licence, for thirty days.
	ProvisionUnlicensed bool `json:"provisionUnlicensedRemoteMailbox"`
	// BlockFromOnPrem makes users who come from now on arrive without Exchange attributes; their mailboxes are the cloud's.
	BlockFromOnPrem bool `json:"blockExchangeProvisioningFromOnPremEnabled"`
	// CoexistenceMissing is the tenant whose coexistence domain was never made.
	CoexistenceMissing bool `json:"coexistenceDomainMissing"`
	// Syncing is set by the first write of synchronisation.
	Syncing bool `json:"syncing"`
}

// defaultExchange are the settings of a new tenant.
var defaultExchange = ExchangeSettings{ForwardDelay: Period(10 * time.Second), MoveDuration: Period(10 * time.Second), PreviousBug: true, ProvisionUnlicensed: true}

// ExchangeSettings gives the switches of the Exchange half.
func (a *Admin) ExchangeSettings() ExchangeSettings {
	a.t.mu.Lock()
	defer a.t.mu.Unlock()
	return a.t.conf.Exchange
}

// SetExchangeSettings sets them. Whether synchronisation has begun cannot be set. Blocking what comes from forests is
// refused while recipients are mastered there, unless forced.
func (a *Admin) SetExchangeSettings(ctx context.Context, s ExchangeSettings, force bool) error {
	err := a.t.update(ctx, func(x *tx) error {
		conf := x.conf
		if s.BlockFromOnPrem && !conf.Exchange.BlockFromOnPrem && !force {
			var there bool
			err := x.row(`SELECT EXISTS (SELECT 1 FROM recipient WHERE synced <> '' AND guid = synced
				AND guid NOT IN (SELECT guid FROM mailbox WHERE state = 'active'))`).Scan(&there)
			if err != nil {
				return err
			}
			if there {
				return &canopy.Error{Kind: canopy.Forbidden, Object: "blockExchangeProvisioningFromOnPremEnabled",
					Text: "there are mailboxes in forests: new ones would arrive as bare users, and could not be repaired",
					Next: "move the mailboxes to the cloud first, or force it"}
			}
		}
		s.Syncing = conf.Exchange.Syncing
		changed := settingsChanged(conf.Exchange, s)
		conf.Exchange = s
		if err := x.saveSettings(conf); err != nil || len(changed) == 0 {
			return err
		}
		return x.audit(a.by, "Set-OrganizationConfig", nil, changed)
	})
	if err != nil {
		return fmt.Errorf("set the Exchange switches: %w", err)
	}
	return nil
}
