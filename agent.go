package canopy

import "time"

// Agent is a process beside a forest, as the service knows it.
type Agent struct {
	ID string `json:"id"`
	// Domains are the forests that it may serve; none: every one that the configuration reads through agents.
	Domains  []ConnectorID `json:"domains,omitempty"`
	Enrolled time.Time     `json:"enrolled"`
	Expires  time.Time     `json:"expires"`          // its newest certificate
	Revoked  time.Time     `json:"revoked,omitzero"` // zero: it is not
	Contact  AgentContact  `json:"contact"`          // zero: it has never called
}

// AgentContact is what the service knows of an agent from the last time that it heard of it.
type AgentContact struct {
	At      time.Time `json:"at,omitzero"`
	Open    bool      `json:"open"` // the connection stands
	Version string    `json:"version,omitempty"`
	Host    string    `json:"host,omitempty"`
	Address string    `json:"address,omitempty"`
	// Skew is how far the agent's clock is before the service's, give or take half the way there and back.
	Skew    time.Duration `json:"skewNanos"`
	Forests []Served      `json:"forests,omitempty"`
}

// Served is a forest that an agent serves.
type Served struct {
	Forest  ConnectorID `json:"forest"`
	Reached []string    `json:"reached,omitempty"` // the domain controllers that answered it last
	// Refused says why the service does not let it serve that forest, "" when it does.
	Refused string `json:"refused,omitempty"`
}

// AgentState says how it stands with an agent.
type AgentState string

// The states of an agent.
const (
	AgentReady   AgentState = "ready"   // it can be given work
	AgentSilent  AgentState = "silent"  // nothing is heard of it
	AgentRevoked AgentState = "revoked" // it may not come back
)

// SilentAfter is how long after its last contact an agent counts as silent, whatever was noted of its connection.
const SilentAfter = time.Minute

// State is the agent's state at that time.
func (a *Agent) State(now time.Time) AgentState {
	switch {
	case !a.Revoked.IsZero():
		return AgentRevoked
	case a.Contact.Open && now.Sub(a.Contact.At) < SilentAfter:
		return AgentReady
	}
	return AgentSilent
}

// May tells whether the agent may serve a forest.
func (a *Agent) May(forest ConnectorID) bool {
	for _, d := range a.Domains {
		if Fold(string(d)) == Fold(string(forest)) {
			return true
		}
	}
	return len(a.Domains) == 0
}
