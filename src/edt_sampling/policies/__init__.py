"""Which temperature: one formula a file, no framework imported."""

from edt_sampling.policies.dynatemp import DynaTemp
from edt_sampling.policies.edt import EDT
from edt_sampling.policies.fixed import Fixed
from edt_sampling.policies.instance_edt import DraftEDT, InstanceEDT, PromptEDT, RunningEDT
from edt_sampling.policies.kl_guided import KLGuided
from edt_sampling.policies.mixture import Mixture
from edt_sampling.policies.policy import Policy
from edt_sampling.policies.scheduled import Scheduled
from edt_sampling.policies.spec import policy
from edt_sampling.policies.table import POLICIES
from edt_sampling.policies.udt import UDT, MarginUDT, VarentropyUDT

__all__ = ["EDT", "POLICIES", "UDT", "DraftEDT", "DynaTemp", "Fixed", "InstanceEDT", "KLGuided", "MarginUDT", "Mixture", "Policy"]
__all__ += ["PromptEDT", "RunningEDT", "Scheduled", "VarentropyUDT", "policy"]
