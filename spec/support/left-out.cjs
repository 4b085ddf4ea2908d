// Replaces packages that dockerode loads for BuildKit's sessions and its own ssh; the build leaves them out, too. They take half of
// the time that dockerode takes to load.
exports.pattern = '^(@grpc/(grpc-js|proto-loader)|protobufjs|ssh2)$';
