//! How the function reaches MogileFS and AWS.

use std::collections::BTreeSet;

use serde_json::json;

use super::template::Stack;

/// Resources of the network.
fn network(given: &[(&str, &str)]) -> BTreeSet<String> {
    let made = Stack::with(given).resources().into_iter();
    let of_ec2 = made.filter(|(_, it)| it["Type"].as_str().expect("one").starts_with("AWS::EC2::"));
    of_ec2.map(|(name, _)| name).collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

const VPC: [(&str, &str); 2] = [("VpcId", "vpc-1"), ("SubnetIds", "subnet-1,subnet-2")];
const ROUTES: (&str, &str) = ("RouteTableIds", "rtb-1,rtb-2");

#[test]
fn without_a_vpc_there_is_no_network() {
    assert_eq!(network(&[]), names([]));
    assert!(Stack::with(&[]).resource("Worker")["Properties"].get("VpcConfig").is_none());
}

#[test]
fn in_a_vpc_everything_is_reached_without_a_nat() {
    let given = [VPC.as_slice(), &[ROUTES]].concat();
    let interface = ["InterfaceToSqs", "SqsSecurityGroup"];
    let gateways = ["GatewayToS3", "GatewayToDynamoDb"];
    let all = names(["WorkerSecurityGroup"]);
    let all = &(&all | &names(interface)) | &names(gateways);
    assert_eq!(network(&given), all);
    assert_eq!(network(&VPC), &all - &names(gateways));
    let existing = [given.as_slice(), &[("SqsEndpoint", "existing")]].concat();
    assert_eq!(network(&existing), &all - &names(interface));

    let stack = Stack::with(&given);
    let of = |name: &str| stack.resource(name)["Properties"].clone();
    let subnets = json!(["subnet-1", "subnet-2"]);
    assert_eq!(of("Worker")["VpcConfig"]["SubnetIds"], subnets);
    assert_eq!(of("InterfaceToSqs")["SubnetIds"], subnets);
    for (name, service) in [("GatewayToS3", "s3"), ("GatewayToDynamoDb", "dynamodb")] {
        assert_eq!(of(name)["VpcEndpointType"], "Gateway");
        assert_eq!(of(name)["ServiceName"], format!("com.amazonaws.us-east-1.{service}"));
        assert_eq!(of(name)["RouteTableIds"], json!(["rtb-1", "rtb-2"]));
    }
    // Other clients of the VPC go to SQS as before, and the function by the endpoint's own name.
    assert_eq!(of("InterfaceToSqs")["PrivateDnsEnabled"], false);
    let endpoint = |given: &[(&str, &str)]| {
        let worker = Stack::with(given).resource("Worker");
        worker["Properties"]["Environment"]["Variables"].get("AWS_ENDPOINT_URL_SQS").cloned()
    };
    let own = json!("https://vpce-1.sqs.us-east-1.vpce.amazonaws.com");
    assert_eq!(endpoint(&given), Some(own));
    assert_eq!(endpoint(&existing), None);
    assert_eq!(endpoint(&[]), None);
    let ingress = &of("SqsSecurityGroup")["SecurityGroupIngress"];
    assert_eq!(ingress.as_array().map(Vec::len), Some(1));
    assert_eq!(ingress[0]["SourceSecurityGroupId"], "@WorkerSecurityGroup.GroupId");
}
