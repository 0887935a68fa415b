package names

// The tags of stacks. Project, Stack and Branch are also AWS tags. The tags of a stack are set with its creation, before its
// first update. They also store decisions that are made only once.
const (
	TagProject    = "branchenv:project"
	TagStack      = "branchenv:stack"
	TagBranch     = "branchenv:branch"     // BranchTag of the exact name
	TagKind       = "branchenv:kind"       // the kind at its creation
	TagHost       = "branchenv:host"       // the host label
	TagBucket     = "branchenv:bucket"     // the suffix of the bucket's name
	TagAccount    = "branchenv:account"    // its AWS account
	TagRegion     = "branchenv:region"     // its region
	TagCreated    = "branchenv:created"    // RFC 3339
	TagLike       = "branchenv:like"       // for a copy, the branch whose settings it has
	TagLeft       = "branchenv:left"       // the resources that a destroy could not confirm to be gone
	TagMissing    = "branchenv:missing"    // the resources that doctor found missing in AWS
	TagDestroying = "branchenv:destroying" // the reference of the state saved before its destroy began
	TagUnhealthy  = "branchenv:unhealthy"  // why the environment was red after its last update, though Beanstalk had ended it
	TagUpdated    = "branchenv:updated"    // RFC 3339: the end of the last good update before the one that set the tag
	TagKeep       = "branchenv:keep"       // RFC 3339: reconcile keeps it until then
	TagHeartbeat  = "branchenv:heartbeat"  // of the application stack: when reconcile last ran, in Pulumi Cloud
	TagProtected  = "branchenv:protected"  // "true" if its kind was protected at its last update
	TagSource     = "branchenv:source"     // Repository.ID of its branch's repository
	TagSourceName = "branchenv:sourceName" // the name of that repository, for people
	TagDefault    = "branchenv:default"    // BranchTag of that repository's default branch, as last known
)

// ApplicationStack is the reserved name of the stack that holds the shared resources of all environments.
const ApplicationStack = "application"

// The keys of the specs in stack config, below the project's namespace.
const (
	SpecKey        = "environment"
	ApplicationKey = "application"
)
