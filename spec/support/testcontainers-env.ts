// No Ryuk image without a hub. The host is named because testcontainers takes a machine with /.dockerenv for a
// container: it would look for the gateway of a network that a private engine does not have, then pull alpine:3.14.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= 'localhost';
// Spec files share one engine: a session that one opens must not sweep what another has left on purpose.
process.env['CASTOFF_SWEEP'] = 'off';
// Spec files that want a folder of castoff's for themselves name it by TMPDIR.
delete process.env['XDG_RUNTIME_DIR'];
// One reaper for all spec files that open a session and are not about reapers: no container for each.
process.env['CASTOFF_REAPER'] = 'process';
// A reaper ends as soon as it has reaped; the specs about later looks set this themselves.
process.env['CASTOFF_REAPER_WATCH'] ??= '0';
