package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsec2"
	"github.com/aws/jsii-runtime-go"

	"wechatfn/shared/manifest"
)

// network gives functions a fixed address: private subnets behind one NAT gateway.
type network struct {
	vpc     awsec2.Vpc
	group   awsec2.SecurityGroup
	gateway *string // ID of the NAT gateway
	address *string // ID of its Elastic IP
	ip      *string // nil where only the ID is known
}

// inNetwork: only functions that call WeChat need the fixed address. A function in a
// network reaches AWS through the NAT gateway too.
func (b *builder) inNetwork(f manifest.Function) bool { return b.network != nil && f.CallsWeChat }

// egress makes the network if the stage has one.
func (b *builder) egress() {
	if b.Egress != EgressNAT {
		return
	}
	n := &network{}
	b.network = n
	b.address()
	provider := awsec2.NatProvider_Gateway(&awsec2.NatGatewayProps{EipAllocationIds: &[]*string{n.address}})
	private := &[]*awsec2.SubnetSelection{{SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS}}
	n.vpc = awsec2.NewVpc(b.stack, jsii.String("Vpc"), &awsec2.VpcProps{
		IpAddresses:        awsec2.IpAddresses_Cidr(jsii.String("10.77.0.0/24")),
		MaxAzs:             jsii.Number(2),
		NatGateways:        jsii.Number(1),
		NatGatewayProvider: provider,
		SubnetConfiguration: &[]*awsec2.SubnetConfiguration{
			{Name: jsii.String("public"), SubnetType: awsec2.SubnetType_PUBLIC, CidrMask: jsii.Number(28), MapPublicIpOnLaunch: jsii.Bool(false)},
			{Name: jsii.String("private"), SubnetType: awsec2.SubnetType_PRIVATE_WITH_EGRESS, CidrMask: jsii.Number(26)},
		},
		GatewayEndpoints: &map[string]*awsec2.GatewayVpcEndpointOptions{
			"DynamoDB": {Service: awsec2.GatewayVpcEndpointAwsService_DYNAMODB(), Subnets: private},
		},
		RestrictDefaultSecurityGroup: jsii.Bool(false), // CDK would need a function of its own for it, and nothing uses that group
	})
	n.gateway = (*provider.ConfiguredGateways())[0].GatewayId
	n.group = awsec2.NewSecurityGroup(b.stack, jsii.String("Outward"), &awsec2.SecurityGroupProps{
		Vpc: n.vpc, AllowAllOutbound: jsii.Bool(false), Description: jsii.String("Functions that call WeChat: HTTPS outward, nothing inward"),
	})
	n.group.AddEgressRule(awsec2.Peer_AnyIpv4(), awsec2.Port_Tcp(jsii.Number(443)), jsii.String("WeChat and AWS"), nil)
}

// address uses the Elastic IP that the stage names, or makes one. That is retained when
// the stack is deleted, since it is on WeChat's whitelist. It has no tags, because the
// tags of an address in use cannot be changed.
func (b *builder) address() {
	if b.EIPAllocationID != "" {
		b.network.address = &b.EIPAllocationID
		return
	}
	eip := awsec2.NewCfnEIP(b.stack, jsii.String("Address"), &awsec2.CfnEIPProps{Domain: jsii.String("vpc")})
	eip.ApplyRemovalPolicy(unlessFailed, nil)
	b.network.address, b.network.ip = eip.AttrAllocationId(), eip.Ref()
}
