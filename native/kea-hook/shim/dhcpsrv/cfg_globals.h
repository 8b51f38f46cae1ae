// SPDX-License-Identifier: MPL-2.0
// Debian 12's kea-dev forgets this header, without which network.h and srv_config.h do not compile. Only the
// names are needed: they stand in templates and inline functions that this library never instantiates, and
// no object of this class is ever made or looked into here. Put on the include path only where Kea's own
// header is absent.
#pragma once

#include <cc/data.h>

#include <boost/shared_ptr.hpp>
#include <string>

namespace isc::dhcp {

class CfgGlobals {
 public:
  enum Index : int {
    VALID_LIFETIME,
    MIN_VALID_LIFETIME,
    MAX_VALID_LIFETIME,
    RENEW_TIMER,
    REBIND_TIMER,
    RESERVATIONS_GLOBAL,
    RESERVATIONS_IN_SUBNET,
    RESERVATIONS_OUT_OF_POOL,
    CALCULATE_TEE_TIMES,
    T1_PERCENT,
    T2_PERCENT,
    HOSTNAME_CHAR_SET,
    HOSTNAME_CHAR_REPLACEMENT,
    DDNS_SEND_UPDATES,
    DDNS_OVERRIDE_NO_UPDATE,
    DDNS_OVERRIDE_CLIENT_UPDATE,
    DDNS_REPLACE_CLIENT_NAME,
    DDNS_GENERATED_PREFIX,
    DDNS_QUALIFYING_SUFFIX,
    DDNS_UPDATE_ON_RENEW,
    DDNS_USE_CONFLICT_RESOLUTION,
    STORE_EXTENDED_INFO,
    CACHE_THRESHOLD,
    CACHE_MAX_AGE,
    MATCH_CLIENT_ID,
    AUTHORITATIVE,
    NEXT_SERVER,
    SERVER_HOSTNAME,
    BOOT_FILE_NAME,
    PREFERRED_LIFETIME,
    MIN_PREFERRED_LIFETIME,
    MAX_PREFERRED_LIFETIME,
  };
  data::ConstElementPtr get(int index) const;
  data::ConstElementPtr get(const std::string& name) const;
  void set(const std::string& name, data::ConstElementPtr value);
  void clear();
};

typedef boost::shared_ptr<CfgGlobals> CfgGlobalsPtr;
typedef boost::shared_ptr<const CfgGlobals> ConstCfgGlobalsPtr;

}  // namespace isc::dhcp
