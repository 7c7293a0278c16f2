package tenant

import (
	"slices"
	"strconv"

	"github.com/canopy-sync/canopy/tenant/exchange"
)

// MoveCompletedWithErrors is the status of a batch of which some moves are complete and the others failed.
const MoveCompletedWithErrors exchange.MoveStatus = "CompletedWithErrors"

// Batch is moves that were asked for together, as Get-MigrationBatch shows them.
type Batch struct {
	Name      string              `json:"identity"`
	Status    exchange.MoveStatus `json:"status"`
	Direction exchange.Direction  `json:"type"`
	Total     int                 `json:"totalCount"`
	Synced    int                 `json:"syncedCount"` // also those that went on from there
	Finalized int                 `json:"finalizedCount"`
	Failed    int                 `json:"failedCount"`
}

// Batches sums moves up by batch, in the order in which the batches first occur. Those without one are left out.
func Batches(moves []Move) []Batch {
	var out []Batch
	statuses := map[string]map[exchange.MoveStatus]int{}
	for _, m := range moves {
		if m.Batch == "" {
			continue
		}
		at := slices.IndexFunc(out, func(b Batch) bool { return b.Name == m.Batch })
		if at < 0 {
			at = len(out)
			out = append(out, Batch{Name: m.Batch, Direction: m.Direction})
			statuses[m.Batch] = map[exchange.MoveStatus]int{}
		}
		out[at].Total++
		statuses[m.Batch][m.Status]++
	}
	for i := range out {
		n := statuses[out[i].Name]
		out[i].Status = batchStatus(n)
		out[i].Finalized, out[i].Failed = n[exchange.MoveCompleted], n[exchange.MoveFailed]
		out[i].Synced = n[exchange.MoveSynced] + n[exchange.MoveCompleting] + n[exchange.MoveCompleted]
	}
	return out
}

// batchStatus is what the numbers of moves by status come to: what still goes on, the first to come first.
func batchStatus(n map[exchange.MoveStatus]int) exchange.MoveStatus {
	for _, s := range []exchange.MoveStatus{exchange.MoveSyncing, exchange.MoveCompleting, exchange.MoveSynced, exchange.MoveCreated} {
		if n[s] > 0 {
			return s
		}
	}
	switch {
	case n[exchange.MoveFailed] == 0:
		return exchange.MoveCompleted
	case n[exchange.MoveCompleted] == 0:
		return exchange.MoveFailed
	}
	return MoveCompletedWithErrors
}

// Columns are a batch's properties.
func (b Batch) Columns() []Column {
	return []Column{{"Identity", b.Name}, {"Status", string(b.Status)}, {"Type", string(b.Direction)}, {"TotalCount", strconv.Itoa(b.Total)},
		{"SyncedCount", strconv.Itoa(b.Synced)}, {"FinalizedCount", strconv.Itoa(b.Finalized)}, {"FailedCount", strconv.Itoa(b.Failed)}}
}
