import { countClaims, type Lease, type LeaseState } from './leases';

/** The most claims that are held and reaped at once, all together: bounds the memory. */
const mostClaims = 20_000;
/** The most that one lease holds: the others have room left. */
const mostClaimsOfOne = 10_000;

/** Whether `lease` may hold one more claim. */
export function isWithinLimit(state: LeaseState, lease: Lease): boolean {
  return countClaims(state) < mostClaims && lease.claims.size < mostClaimsOfOne;
}
