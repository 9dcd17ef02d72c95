/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "object/access.h"

#include "base/error.h"

static const struct access_driver *const *drivers;

void access_set_drivers(const struct access_driver *const *configured)
{
    drivers = configured;
}

/* Without the message, which names the API. */
static bool is_denied_readonly(const struct identity *identity, enum access_permission permission)
{
    return identity_values(identity)->readonly && !access_permission_is_read(permission);
}

static int ask_drivers(struct identity *identity, enum access_object object,
                       enum access_permission permission, const struct access_subject *subject,
                       GError **error)
{
    static const struct access_subject connection;

    for (size_t i = 0; drivers && drivers[i]; i++)
        if (drivers[i]->concerns(identity) &&
            drivers[i]->check(identity, object, permission, subject ? subject : &connection,
                              error) < 0)
            return -1;
    return 0;
}

bool access_asks(const struct identity *identity)
{
    for (size_t i = 0; drivers && drivers[i]; i++)
        if (!identity || drivers[i]->concerns(identity))
            return true;
    return false;
}

int access_check(struct identity *identity, enum access_object object,
                 enum access_permission permission, const struct access_subject *subject,
                 const char *api, GError **error)
{
    if (is_denied_readonly(identity, permission)) {
        error_set_from(error, VIR_FROM_DOMAIN, VIR_ERR_OPERATION_DENIED,
                       "read only access prevents %s", api);
        return -1;
    }
    return ask_drivers(identity, object, permission, subject, error);
}

bool access_allows(struct identity *identity, enum access_object object,
                   enum access_permission permission, const struct access_subject *subject)
{
    return !is_denied_readonly(identity, permission) &&
           ask_drivers(identity, object, permission, subject, NULL) == 0;
}
