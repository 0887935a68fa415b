package program

// The outputs of the application stack that the manager itself reads. The environment program reads more.
const (
	OutVersionsBucket = "versionsBucket"
	OutDomain         = "domain"
)
