package sandbox

// easeWebhooks is where the cloud reports what happens.
type easeWebhooks struct {
	url    string
	secret string
}

func newEaseWebhooks() easeWebhooks { return easeWebhooks{} }
