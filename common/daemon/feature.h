/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers of CONNECT_SUPPORTS_FEATURE; they are not in the public headers. */
enum feature {
    FEATURE_FD_PASSING = 8,
    FEATURE_TYPED_PARAM_STRING = 9,
    FEATURE_PROGRAM_KEEPALIVE = 10, /* of the link, not of the driver: also before CONNECT_OPEN */
    FEATURE_XML_MIGRATABLE = 11,
    FEATURE_REMOTE_EVENT_CALLBACK = 14,
    FEATURE_REMOTE_CLOSE_CALLBACK = 15,
    FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER = 16,
};
