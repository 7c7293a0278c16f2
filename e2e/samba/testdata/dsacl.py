#!/usr/bin/python3
# dsacl.py SAM.LDB OBJECTDN ACE...     adds ACEs in SDDL to an object, deleted ones too ("samba-tool dsacl" cannot).
# {name} in an ACE stands for the SID of the account with this sAMAccountName: '(A;CI;RPLCLORC;;;{reader})'
import os
import re
import sys

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB

lp = LoadParm()
lp.load(os.environ["SMB_CONF_PATH"])
sam = SamDB(url=sys.argv[1], session_info=system_session(), lp=lp)
deleted = ["show_deleted:1", "show_recycled:1"]
domain = security.dom_sid(sam.get_domain_sid())


def sid(name):
    found = sam.search(expression="(sAMAccountName=%s)" % name, attrs=["objectSid"])
    return str(ndr_unpack(security.dom_sid, found[0]["objectSid"][0]))


found = sam.search(base=sys.argv[2], scope=ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"],
                   controls=deleted + ["sd_flags:1:7"])[0]
descriptor = ndr_unpack(security.descriptor, found["nTSecurityDescriptor"][0])
for ace in sys.argv[3:]:
    ace = re.sub(r"\{(.+?)\}", lambda m: sid(m.group(1)), ace)
    for a in security.descriptor.from_sddl("D:" + ace, domain).dacl.aces:
        descriptor.dacl_add(a)
change = ldb.Message(found.dn)
change["nTSecurityDescriptor"] = ldb.MessageElement(ndr_pack(descriptor), ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
sam.modify(change, controls=deleted + ["sd_flags:1:4"])
