#!/bin/sh
# Runs a command with a MinIO of its own: test-s3.sh /path/of/minio command …
set -eu
minio=$1
shift
dir=$(mktemp -d)
mkdir "$dir/souk-test"
export SOUK_TEST_S3=http://127.0.0.1:19077 SOUK_TEST_S3_BUCKET=souk-test SOUK_TEST_S3_ACCESS_KEY=soukroot SOUK_TEST_S3_SECRET_KEY=soukroot-secret
MINIO_ROOT_USER=$SOUK_TEST_S3_ACCESS_KEY MINIO_ROOT_PASSWORD=$SOUK_TEST_S3_SECRET_KEY "$minio" server --quiet --address 127.0.0.1:19077 "$dir" &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$dir"' EXIT
for _ in $(seq 1 120); do
	if curl -sf "$SOUK_TEST_S3/minio/health/live" >/dev/null; then
		"$@"
		exit
	fi
	sleep 0.5
done
echo "MinIO does not answer" >&2
exit 1
