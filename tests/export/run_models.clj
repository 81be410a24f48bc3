;; clojure -cp SRC run_models.clj FILE: for each model that FILE lists, what it answers to
;; recordings, as a line of JSON.
(ns run-models
  (:require [clojure.edn :as edn]
            [clojure.string :as string]
            [lnn.core :as lnn]))

(defn- json [value]
  (cond
    (sequential? value) (str "[" (string/join "," (map json value)) "]")
    (map? value) (str "{" (string/join "," (map (fn [[k v]] (str (json (name k)) ":" (json v)))
                                                value)) "}")
    (nil? value) "null"
    :else (pr-str value)))

(defn- stepped [net {:keys [rows dt]}]
  (second (reduce (fn [[state answers] [row gap]]
                    (let [[state answer] (lnn/step net state row gap)]
                      [state (conj answers answer)]))
                  [nil []] (map vector rows (or dt (repeat nil))))))

(defn- told [call]
  (try (call) (catch clojure.lang.ExceptionInfo error (ex-message error))))

(doseq [{:keys [model recordings streams classes]} (edn/read-string (slurp (first *command-line-args*)))]
  (let [net (lnn/load-network model)
        each (fn [f] (mapv (fn [{:keys [rows dt]}] (f net rows dt)) recordings))]
    (println (json {:forward (each lnn/forward)
                    :probabilities (when classes (each lnn/probabilities))
                    :steps (told #(mapv (partial stepped net) streams))}))))
