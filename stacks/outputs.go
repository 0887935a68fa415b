package stacks

// The outputs of the application stack that the manager reads itself; the environment program reads more.
const (
	outVersionsBucket = "versionsBucket"
	outDomain         = "domain"
)
