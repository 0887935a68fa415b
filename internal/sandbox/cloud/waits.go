package cloud

import "time"

// Waits says how long a creation takes. An update or a deletion takes half as long.
type Waits struct {
	Environment time.Duration // a Beanstalk environment
	Database    time.Duration // an RDS instance
	Balancer    time.Duration // a load balancer
	Certificate time.Duration // the validation of a certificate
}

// DefaultWaits returns waits that a person notices: 2 s for an environment, 3 s for a database, 1 s for the others.
func DefaultWaits() Waits {
	return Waits{Environment: 2 * time.Second, Database: 3 * time.Second, Balancer: time.Second, Certificate: time.Second}
}

// Scale returns w multiplied by factor.
func (w Waits) Scale(factor float64) Waits {
	scale := func(d time.Duration) time.Duration { return time.Duration(float64(d) * factor) }
	return Waits{scale(w.Environment), scale(w.Database), scale(w.Balancer), scale(w.Certificate)}
}
