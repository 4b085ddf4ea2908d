import { countClaims, type Lease, type LeaseState } from './leases';

/** Maximum number of claims, held and being reaped, of all leases. Bounds the memory. */
const maxClaims = 20_000;
/** Leaves room for other clients. */
const maxClaimsPerLease = 10_000;

/** Whether `lease` may hold one more claim. */
export function isWithinLimit(state: LeaseState, lease: Lease): boolean {
  return countClaims(state) < maxClaims && lease.claims.size < maxClaimsPerLease;
}
