// Calls Visavis as another language would: health, GetPolicyList, LeaseCalls, and the details of a refusal.
// usage: node client.js PROTOS GOOGLE_PROTOS RECOMMENDATION DISPATCH CUSTOMER PLAN
// Prints one JSON value: what each call answered.
"use strict";
const crypto = require("node:crypto");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");
const protobuf = require("protobufjs");

const [protos, googleProtos, recommendation, dispatch, customer, plan] = process.argv.slice(2);

function load(file) {
  const options = { includeDirs: [protos, googleProtos], keepCase: true, longs: String, enums: String, arrays: true };
  return grpc.loadPackageDefinition(loader.loadSync(file, options));
}

function client(Service, address) {
  return new Service(address, grpc.credentials.createInsecure());
}

function call(stub, method, request) {
  return new Promise((resolve) => {
    const deadline = Date.now() + 10_000;
    stub[method](request, { deadline }, (error, answer) => resolve(error ? refusal(error) : answer));
  });
}

function refusal(error) {
  const details = error.metadata.get("grpc-status-details-bin").flatMap(unpack);
  return { code: grpc.status[error.code], message: error.details, details };
}

// google.rpc.Status and its details, by the public protos that every gRPC language ships.
const root = new protobuf.Root();
root.resolvePath = (_, target) => path.join(googleProtos, target);
root.loadSync(["google/rpc/status.proto", "google/rpc/error_details.proto"], { keepCase: true });

function unpack(bytes) {
  return root
    .lookupType("google.rpc.Status")
    .decode(bytes)
    .details.map((any) => {
      const type = root.lookupType(any.type_url.split("/").pop());
      return { type: type.name, ...type.toObject(type.decode(any.value), { longs: String }) };
    });
}

async function main() {
  const lists = load("visavis/recommendation/v1/recommendation_service.proto").visavis.recommendation.v1;
  const calls = load("visavis/dispatch/v1/call_list_service.proto").visavis.dispatch.v1;
  const desk = client(lists.RecommendationService, recommendation);
  const dialer = client(calls.CallListService, dispatch);
  const Health = grpc.makeGenericClientConstructor(health(), "grpc.health.v1.Health");
  console.log(
    JSON.stringify({
      health: await call(client(Health, recommendation), "Check", { service: "" }),
      list: await call(desk, "GetPolicyList", { customer_id: customer }),
      wrong: await call(desk, "GetPolicyList", { msisdn: "12345" }),
      lease: await call(dialer, "LeaseCalls", { request_id: crypto.randomUUID(), push_plan: plan, max_calls: 5 }),
      too_many: await call(dialer, "LeaseCalls", { request_id: crypto.randomUUID(), push_plan: plan, max_calls: 501 }),
    }),
  );
}

// The health protocol is four fields; written out, so that nothing else need be installed.
function health() {
  const types = protobuf.parse(
    'syntax = "proto3"; message Request { string service = 1; } message Response { enum Status { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; } Status status = 1; }',
  ).root;
  const [Request, Response] = [types.lookupType("Request"), types.lookupType("Response")];
  return {
    Check: {
      path: "/grpc.health.v1.Health/Check",
      requestStream: false,
      responseStream: false,
      requestSerialize: (value) => Buffer.from(Request.encode(value).finish()),
      requestDeserialize: (bytes) => Request.decode(bytes),
      responseSerialize: (value) => Buffer.from(Response.encode(value).finish()),
      responseDeserialize: (bytes) => Response.toObject(Response.decode(bytes), { enums: String }),
    },
  };
}

main().then(() => process.exit(0));
