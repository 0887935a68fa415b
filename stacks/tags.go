package stacks

// The tags of branchenv, on stacks. Project, Stack and Branch are AWS tags too. A stack's tags are set right after it
// is made and before its first update, and what was decided once is kept in them.
const (
	tagProject    = "branchenv:project"
	tagStack      = "branchenv:stack"
	tagBranch     = "branchenv:branch"     // BranchTag of the exact name
	tagKind       = "branchenv:kind"       // the kind it was made as
	tagHost       = "branchenv:host"       // the host label
	tagBucket     = "branchenv:bucket"     // the suffix of the bucket's name
	tagAccount    = "branchenv:account"    // the AWS account that it lives in
	tagRegion     = "branchenv:region"     // and the region
	tagCreated    = "branchenv:created"    // RFC 3339
	tagLike       = "branchenv:like"       // the branch whose settings it has, where it is a copy
	tagLeft       = "branchenv:left"       // what a destroy could not confirm to be gone
	tagMissing    = "branchenv:missing"    // what is gone from AWS though nobody destroyed it, as doctor found
	tagDestroying = "branchenv:destroying" // which kept state tells what the stack had before its destroy began
	tagUnhealthy  = "branchenv:unhealthy"  // why the environment was red after its last update, though Beanstalk had ended it
	tagUpdated    = "branchenv:updated"    // RFC 3339: the end of the last good update before the one that set the tag
	tagKeep       = "branchenv:keep"       // RFC 3339: reconcile keeps it until then
	tagHeartbeat  = "branchenv:heartbeat"  // of the application stack: when reconcile last ran, in Pulumi Cloud
	tagProtected  = "branchenv:protected"  // "true" where its kind was protected when it was last updated
	tagSource     = "branchenv:source"     // Identity.ID of the repository whose branch it is of
	tagSourceName = "branchenv:sourceName" // and its name, for people
	tagDefault    = "branchenv:default"    // BranchTag of its default branch, as it was last known
)

// ApplicationStack is the reserved name of the stack that holds what environments share.
const ApplicationStack = "application"

// The keys below the project's namespace under which the specs stand in stack config.
const (
	specKey        = "environment"
	applicationKey = "application"
)
