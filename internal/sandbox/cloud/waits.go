package cloud

import (
	"time"
)

// Waits are how long the operations take that take long on AWS. An update or a deletion takes half of it.
type Waits struct {
	Environment time.Duration // a Beanstalk environment
	Database    time.Duration // an RDS instance
	Balancer    time.Duration // a load balancer
	Certificate time.Duration // the validation of a certificate
}

// DefaultWaits are long enough to be seen: 2 s for an environment, 3 s for a database, 1 s for the others.
func DefaultWaits() Waits {
	return Waits{Environment: 2 * time.Second, Database: 3 * time.Second, Balancer: time.Second, Certificate: time.Second}
}

// Scale returns the waits times a factor.
func (w Waits) Scale(factor float64) Waits {
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) * factor) }
	return Waits{scale(w.Environment), scale(w.Database), scale(w.Balancer), scale(w.Certificate)}
}
