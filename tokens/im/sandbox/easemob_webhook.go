package sandbox

// easeWebhooks is where the cloud reports what happens.
type easeWebhooks struct {
	url    string
	secret string
}

func newEaseWebhooks() easeWebhooks { return easeWebhooks{} }

// roster reports a change between two users.
func (e *easemob) roster(operation, from, to string) {}
