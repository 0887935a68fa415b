package names

// The tags of branchenv, on stacks. Project, Stack and Branch are AWS tags too. A stack's tags are set right after it
// is made and before its first update, and what was decided once is kept in them.
const (
	TagProject    = "branchenv:project"
	TagStack      = "branchenv:stack"
	TagBranch     = "branchenv:branch"     // BranchTag of the exact name
	TagKind       = "branchenv:kind"       // the kind it was made as
	TagHost       = "branchenv:host"       // the host label
	TagBucket     = "branchenv:bucket"     // the suffix of the bucket's name
	TagAccount    = "branchenv:account"    // the AWS account that it lives in
	TagRegion     = "branchenv:region"     // and the region
	TagCreated    = "branchenv:created"    // RFC 3339
	TagLike       = "branchenv:like"       // the branch whose settings it has, where it is a copy
	TagLeft       = "branchenv:left"       // what a destroy could not confirm to be gone
	TagMissing    = "branchenv:missing"    // what is gone from AWS though nobody destroyed it, as doctor found
	TagDestroying = "branchenv:destroying" // which kept state tells what the stack had before its destroy began
	TagUnhealthy  = "branchenv:unhealthy"  // why the environment was red after its last update, though Beanstalk had ended it
	TagUpdated    = "branchenv:updated"    // RFC 3339: the end of the last good update before the one that set the tag
	TagKeep       = "branchenv:keep"       // RFC 3339: reconcile keeps it until then
	TagHeartbeat  = "branchenv:heartbeat"  // of the application stack: when reconcile last ran, in Pulumi Cloud
	TagProtected  = "branchenv:protected"  // "true" where its kind was protected when it was last updated
	TagSource     = "branchenv:source"     // Identity.ID of the repository whose branch it is of
	TagSourceName = "branchenv:sourceName" // and its name, for people
	TagDefault    = "branchenv:default"    // BranchTag of its default branch, as it was last known
)

// ApplicationStack is the reserved name of the stack that holds what environments share.
const ApplicationStack = "application"

// The keys below the project's namespace under which the specs stand in stack config.
const (
	SpecKey        = "environment"
	ApplicationKey = "application"
)
