// No Ryuk image without a hub. The host is named because testcontainers takes a machine with /.dockerenv for a
// container: it would look for the gateway of a network that a private engine does not have, then pull alpine:3.14.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= 'localhost';
