package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"github.com/canopy-sync/canopy"
	"github.com/canopy-sync/canopy/db"
)

// Claims are rows under the hash of kind and value. An entry of a target has those that it holds, a meta those that it
// wants; the row of either keeps their hashes and, for a meta, which it may have.

func claimHash(c canopy.Claim) int64 {
	return int64(xxh3.HashString(string(c.Kind) + "\x00" + c.Value))
}

// packed claim: its hash, then 1 when it is kept. A hash of all ends the list.
const packedClaim = 9

func packClaims(claims []canopy.Claimant) []byte {
	if len(claims) == 0 {
		return nil
	}
	b := make([]byte, 0, packedClaim*len(claims)+8)
	var whole xxh3.Hasher
	for _, c := range claims {
		kept := byte(0)
		if c.Kept {
			kept = 1
		}
		b = append(binary.LittleEndian.AppendUint64(b, uint64(claimHash(c.Claim))), kept)
		owner := "\x00"
		if c.Owner {
			owner = "\x01"
		}
		_, _ = whole.WriteString(string(c.Claim.Kind) + "\x00" + c.Claim.Value + "\x00" + string(c.Anchor) + owner)
		_, _ = whole.Write(binary.AppendVarint(nil, int64(c.Order)))
	}
	return binary.LittleEndian.AppendUint64(b, whole.Sum64())
}

// unpackClaims gives the hashes that a row keeps, and whether each is kept.
func unpackClaims(b []byte) map[int64]bool {
	m := make(map[int64]bool, len(b)/packedClaim)
	for len(b) >= packedClaim+8 {
		m[int64(binary.LittleEndian.Uint64(b))] = b[8] == 1
		b = b[packedClaim:]
	}
	return m
}

// setClaims brings the rows of an owner's claims up to date. It gives what the owner's row is to keep, the hashes that it
// has given up, and those that are new.
func (t *tx) setClaims(ctx context.Context, owner int64, old []byte, claims []canopy.Claimant) (kept []byte, freed, won []int64, err error) {
	claims = slices.Clone(claims)
	slices.SortFunc(claims, func(a, b canopy.Claimant) int {
		return cmp.Or(cmp.Compare(a.Claim.Kind, b.Claim.Kind), cmp.Compare(a.Claim.Value, b.Claim.Value))
	})
	claims = slices.CompactFunc(claims, func(a, b canopy.Claimant) bool { return a.Claim == b.Claim })
	kept = packClaims(claims)
	if bytes.Equal(kept, old) {
		return kept, nil, nil, nil
	}
	if err := t.dropClaims(ctx, owner, old); err != nil {
		return nil, nil, nil, err
	}
	before, now := unpackClaims(old), map[int64]bool{}
	w := t.writer("claim", db.Bulk{Table: "claim", Columns: []string{"hash", "owner", "kind", "value", "kept", "mine", "ord", "anchor"},
		Sorted: t.s.indexed.Load()})
	for _, c := range claims {
		h := claimHash(c.Claim)
		now[h] = c.Kept
		if c.Kept && !before[h] {
			won = append(won, h)
		}
		if err := w.Add(ctx, h, owner, string(c.Claim.Kind), c.Claim.Value, c.Kept, c.Owner, int64(c.Order), string(c.Anchor)); err != nil {
			return nil, nil, nil, err
		}
	}
	for h, was := range before {
		if was && !now[h] {
			freed = append(freed, h)
		}
	}
	slices.Sort(freed)
	return kept, freed, won, nil
}

func (t *tx) dropClaims(ctx context.Context, owner int64, old []byte) error {
	hashes := make([]int64, 0, 8)
	for h := range unpackClaims(old) {
		hashes = append(hashes, h)
	}
	if len(hashes) == 0 {
		return nil
	}
	slices.Sort(hashes)
	if err := t.index(ctx); err != nil {
		return err
	}
	if err := t.flush(ctx, "claim"); err != nil {
		return err
	}
	return db.Chunks(2, hashes, func(args []any, list string) error {
		_, err := t.Exec(ctx, `DELETE FROM claim WHERE owner = $1 AND hash IN (`+list+`)`, append([]any{owner}, args...)...)
		return err
	})
}

// contest makes the metas due that want one of the claims: all of them, or those only that do not have it.
func (t *tx) contest(ctx context.Context, hashes []int64, but int64, waiting bool, mark int64) error {
	if len(hashes) == 0 {
		return nil
	}
	if err := t.index(ctx); err != nil {
		return err
	}
	if err := t.flush(ctx, "claim"); err != nil {
		return err
	}
	return db.Chunks(1, hashes, func(args []any, list string) error {
		return t.Each(ctx, func(r *sql.Rows) error {
			var owner int64
			var kept bool
			err := r.Scan(&owner, &kept)
			if -owner != but && !(waiting && kept) {
				t.metaDueAt(-owner, mark)
			}
			return err
		}, `SELECT owner, kept FROM claim WHERE hash IN (`+list+`) AND owner < 0`, args...)
	})
}

// heldClaims turns the claims of a target's entry into claimants.
func heldClaims(claims []canopy.Claim) []canopy.Claimant {
	out := make([]canopy.Claimant, len(claims))
	for i, c := range claims {
		out[i] = canopy.Claimant{Claim: c, Kept: true}
	}
	return out
}
