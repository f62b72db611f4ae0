// Sizes, offsets and values that crates/hv/whp/src/abi relies on, as a C compiler finds them in the platform's header.
// It compiles if they are right: see abi.sh.
#include <stddef.h>
#include <windows.h>
#include <winhvplatform.h>

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, field, offset) _Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define IS(name, value) _Static_assert((UINT32)(name) == (UINT32)(value), #name)

SIZE(WHV_ARM64_IC_PARAMETERS, 64);
AT(WHV_ARM64_IC_PARAMETERS, GicV3Parameters.GicdBaseAddress, 8);
AT(WHV_ARM64_IC_PARAMETERS, GicV3Parameters.GitsTranslaterBaseAddress, 16);
AT(WHV_ARM64_IC_PARAMETERS, GicV3Parameters.GicLpiIntIdBits, 28);
AT(WHV_ARM64_IC_PARAMETERS, GicV3Parameters.GicPpiOverflowInterruptFromCntv, 32);
AT(WHV_ARM64_IC_PARAMETERS, GicV3Parameters.GicPpiPerformanceMonitorsInterrupt, 36);
SIZE(WHV_REGISTER_VALUE, 16);
_Static_assert(_Alignof(WHV_REGISTER_VALUE) == 16, "alignment of WHV_REGISTER_VALUE");
SIZE(WHV_INTERRUPT_CONTROL, 32);
AT(WHV_INTERRUPT_CONTROL, InterruptControl, 8);
AT(WHV_INTERRUPT_CONTROL, DestinationAddress, 16);
AT(WHV_INTERRUPT_CONTROL, RequestedVector, 24);
SIZE(WHV_RUN_VP_EXIT_CONTEXT, 272);
_Static_assert(_Alignof(WHV_RUN_VP_EXIT_CONTEXT) == 16, "alignment of WHV_RUN_VP_EXIT_CONTEXT");
AT(WHV_RUN_VP_EXIT_CONTEXT, MemoryAccess, 16);
SIZE(WHV_INTERCEPT_MESSAGE_HEADER, 24);
AT(WHV_INTERCEPT_MESSAGE_HEADER, InstructionLength, 4);
AT(WHV_INTERCEPT_MESSAGE_HEADER, InterceptAccessType, 5);
AT(WHV_INTERCEPT_MESSAGE_HEADER, Pc, 8);
AT(WHV_INTERCEPT_MESSAGE_HEADER, Cpsr, 16);
SIZE(WHV_MEMORY_ACCESS_CONTEXT, 64);
AT(WHV_MEMORY_ACCESS_CONTEXT, InstructionBytes, 32);
AT(WHV_MEMORY_ACCESS_CONTEXT, Gva, 40);
AT(WHV_MEMORY_ACCESS_CONTEXT, Gpa, 48);
AT(WHV_MEMORY_ACCESS_CONTEXT, Syndrome, 56);
SIZE(WHV_HYPERCALL_CONTEXT, 176);
AT(WHV_HYPERCALL_CONTEXT, Immediate, 24);
AT(WHV_HYPERCALL_CONTEXT, X, 32);
SIZE(WHV_ARM64_RESET_CONTEXT, 32);
AT(WHV_ARM64_RESET_CONTEXT, ResetType, 24);

IS(WHvCapabilityCodeHypervisorPresent, 0);
IS(WHvCapabilityCodeFeatures, 1);
IS(WHvCapabilityCodeExtendedVmExits, 2);
IS(WHvCapabilityCodeProcessorFeaturesBanks, 0x1006);
IS(WHvCapabilityCodePhysicalAddressWidth, 0x100a);
IS(WHvPartitionPropertyCodeExtendedVmExits, 1);
IS(WHvPartitionPropertyCodePhysicalAddressWidth, 0x1011);
IS(WHvPartitionPropertyCodeArm64IcParameters, 0x1012);
IS(WHvPartitionPropertyCodeProcessorCount, 0x1fff);
IS(WHvMapGpaRangeFlagRead, 1);
IS(WHvMapGpaRangeFlagWrite, 2);
IS(WHvMapGpaRangeFlagExecute, 4);
IS(WHvMapGpaRangeFlagTrackDirtyPages, 8);
IS(WHvRunVpExitReasonUnmappedGpa, 0x80000000);
IS(WHvRunVpExitReasonGpaIntercept, 0x80000001);
IS(WHvRunVpExitReasonInvalidVpRegisterValue, 0x80000020);
IS(WHvRunVpExitReasonUnrecoverableException, 0x80000021);
IS(WHvRunVpExitReasonUnsupportedFeature, 0x80000022);
IS(WHvRunVpExitReasonHypercall, 0x80000050);
IS(WHvRunVpExitReasonArm64Reset, 0x8001000c);
IS(WHvRunVpExitReasonCanceled, 0xffffffff);
IS(WHvArm64RegisterX0, 0x20000);
IS(WHvArm64RegisterX28, 0x2001c);
IS(WHvArm64RegisterLr, 0x2001e);
IS(WHvArm64RegisterSpEl0, 0x20020);
IS(WHvArm64RegisterSpEl1, 0x20021);
IS(WHvArm64RegisterPc, 0x20022);
IS(WHvArm64RegisterPstate, 0x20023);
IS(WHvArm64RegisterQ0, 0x30000);
IS(WHvArm64RegisterMpidrEl1, 0x40001);
IS(WHvArm64RegisterSctlrEl1, 0x40002);
IS(WHvArm64RegisterActlrEl1, 0x40003);
IS(WHvArm64RegisterCpacrEl1, 0x40004);
IS(WHvArm64RegisterTtbr0El1, 0x40005);
IS(WHvArm64RegisterTtbr1El1, 0x40006);
IS(WHvArm64RegisterTcrEl1, 0x40007);
IS(WHvArm64RegisterEsrEl1, 0x40008);
IS(WHvArm64RegisterFarEl1, 0x40009);
IS(WHvArm64RegisterParEl1, 0x4000a);
IS(WHvArm64RegisterMairEl1, 0x4000b);
IS(WHvArm64RegisterVbarEl1, 0x4000c);
IS(WHvArm64RegisterContextidrEl1, 0x4000d);
IS(WHvArm64RegisterTpidrEl1, 0x4000e);
IS(WHvArm64RegisterTpidrroEl0, 0x40010);
IS(WHvArm64RegisterTpidrEl0, 0x40011);
IS(WHvArm64RegisterFpcr, 0x40012);
IS(WHvArm64RegisterFpsr, 0x40013);
IS(WHvArm64RegisterSpsrEl1, 0x40014);
IS(WHvArm64RegisterElrEl1, 0x40015);
IS(WHvArm64RegisterCsselrEl1, 0x40035);
IS(WHvArm64RegisterMidrEl1, 0x40051);
IS(WHvArm64RegisterDbgbcr0El1, 0x50000);
IS(WHvArm64RegisterDbgwcr0El1, 0x50010);
IS(WHvArm64RegisterDbgbvr0El1, 0x50020);
IS(WHvArm64RegisterDbgwvr0El1, 0x50030);
IS(WHvArm64RegisterMdscrEl1, 0x5004d);
IS(WHvArm64RegisterCntkctlEl1, 0x58008);
IS(WHvArm64RegisterCntvCtlEl0, 0x5800e);
IS(WHvArm64RegisterCntvCvalEl0, 0x5800f);
IS(WHvArm64RegisterCntvctEl0, 0x58011);
IS(WHvArm64RegisterGicrBaseGpa, 0x63000);
