package program

// The outputs of the application stack that the manager reads itself; the environment program reads more.
const (
	OutVersionsBucket = "versionsBucket"
	OutDomain         = "domain"
)
