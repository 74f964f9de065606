package reconcile

import (
	"maps"

	"imbridge/models"
	"imbridge/tokens/im"
)

// Names of classes. They stand in databases, metrics and scripts, for ever.
const (
	Missing      = "missing"
	Extra        = "extra"
	RemovedAgain = "removed_again"
	Different    = "different"
	NotBanned    = "not_banned"
	Banned       = "banned"
	Unscrubbed   = "unscrubbed"
	Unclear      = "unclear"
)

// A Class is one way in which the two sides disagree about somebody.
type Class struct {
	Name    string
	Meaning string
	// kind of the outbox that repairs it; empty where nothing can without knowing
	// more.
	kind string
}

// Classes are all of them, in the order in which they are shown.
var Classes = []Class{
	{Missing, "ours, unknown to the cloud", models.KindProvision},
	{Different, "name or avatar differs", models.KindProfile},
	{NotBanned, "banned here, not at the cloud", models.KindBan},
	{Banned, "banned at the cloud, not here", models.KindBan},
	{RemovedAgain, "deleted here, at the cloud again", models.KindRemove},
	{Unscrubbed, "deleted here, removal unfinished", models.KindRemove},
	{Extra, "at the cloud, never ours; not touched", ""},
	{Unclear, "the cloud refuses to tell", ""},
}

var classes = func() map[string]Class {
	all := make(map[string]Class, len(Classes))
	for _, c := range Classes {
		all[c.Name] = c
	}
	return all
}()

// Left is how many of each class a run has found and not asked the outbox to
// repair; classes without any are left out.
func Left(run models.ReconcileRun) map[string]int64 {
	left := map[string]int64{}
	for name, d := range run.Counts.Drift {
		if n := d.Count - d.Repaired; n > 0 {
			left[name] = n
		}
	}
	return left
}

// firstOf is how many ids of each class a run keeps.
const firstOf = 20

// A verdict collects what a page comes to.
type verdict struct {
	counts  *models.ReconcileCounts
	listed  []string
	repairs []models.ReconcileRepair
}

// found counts one and tells the repair, if that was asked for. The counts of
// the run before are not touched: the page may have to be judged again.
func (v *verdict) found(class, id, userID string, repair bool) {
	drift := maps.Clone(v.counts.Drift)
	if drift == nil {
		drift = map[string]models.Drift{}
	}
	d := drift[class]
	d.Count++
	if len(d.First) < firstOf {
		d.First = append(d.First[:len(d.First):len(d.First)], id)
	}
	if kind := classes[class].kind; repair && kind != "" && !(class == Missing && v.doubtful(d.Count)) {
		d.Repaired++
		v.counts.Repaired++
		v.repairs = append(v.repairs, models.ReconcileRepair{UserID: userID, Kind: kind, Class: class})
	}
	drift[class] = d
	v.counts.Drift = drift
}

// mostMissing people may be missing before it matters how many there are of all.
const mostMissing = 50

// doubtful is true when more than half of those judged are missing: most likely
// this is another app than the one that they were registered with, and a repair
// would cost everybody their token.
func (v *verdict) doubtful(missing int64) bool {
	return missing > mostMissing && missing > v.counts.Judged/2
}

// A finding is a class, and the kind of outbox row that would be seeing to it.
type finding struct{ class, kind string }

// disagree compares somebody of ours with what the cloud has: nobody when there
// is false.
func disagree(p models.ReconcilePerson, there bool, want, has im.User, banned *bool) []finding {
	var all []finding
	add := func(class string) { all = append(all, finding{class, classes[class].kind}) }
	switch {
	case p.Status == models.StatusDeleted && there:
		add(RemovedAgain)
	case p.Status == models.StatusDeleted && !p.Scrubbed:
		add(Unscrubbed)
	case p.Status == models.StatusDeleted:
	case !there && (p.IMState == models.IMReady || p.Status == models.StatusActive):
		add(Missing)
	case there:
		// Who has had no token yet gets their name there with the first one.
		if p.IMState == models.IMReady && (has.Name != want.Name || has.AvatarURL != want.AvatarURL) {
			add(Different)
		}
		if banned != nil && *banned != (p.Status == models.StatusBanned) {
			if *banned {
				add(Banned)
			} else {
				add(NotBanned)
			}
		}
	}
	return all
}
